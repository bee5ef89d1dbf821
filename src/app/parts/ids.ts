import { randomInt, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Fleet } from '../../fleet/open.ts'
import type { Seed } from '../../fleet/seen/record.ts'
import { agreeOnSeed } from '../../fleet/seen/seed.ts'
import { SeenStream } from '../../fleet/seen/stream.ts'
import type { IdStore } from '../../ingest/dedupe/id-store.ts'
import { openIdStore } from '../../ingest/dedupe/id-store.ts'
import { seedOf } from '../../ingest/dedupe/seed-folder.ts'
import type { Base } from './base.ts'

interface IdsLog {
  warn(fields: object, message: string): void
}
type IdsBase = Pick<Base, 'clock' | 'shareIds'> & {
  readonly config: Pick<Base['config'], 'dataDir' | 'dedup' | 'dedupShare'>
  readonly logger: IdsLog
}
type IdsFleet = Pick<Fleet, 'topics'> & { readonly config: Pick<Fleet['config'], 'topic'> }

/** Opens the windows of messageIds, shared with the other workers and with the fleet if there are any. */
export async function openIds(base: IdsBase, fleet: IdsFleet | undefined): Promise<IdStore> {
  const { config, clock, logger, shareIds } = base
  const dir = join(config.dataDir, 'dedupe')
  const options = { ...config.dedup, dir, clock, log: logger }
  if (fleet === undefined || !config.dedupShare) return openIdStore({ ...options, share: shareIds })

  const seed = await fleetSeed(fleet, await ownSeed(dir, shareIds?.seed), logger)
  const sender = shareIds?.sender ?? randomUUID()
  const stream = new SeenStream({ topics: fleet.topics, seed, sender, log: logger })
  const store = await openIdStore({
    ...options,
    share: {
      seed,
      others: shareIds?.others ?? [],
      onKept(name, high, low, unixSeconds) {
        stream.add(name, high, low, unixSeconds)
        shareIds?.onKept(name, high, low, unixSeconds)
      }
    }
  })
  const read = stream.follow(store.restore)
  // If the configuration could not be read in time, Kafka is away: do not wait for it again.
  if (fleet.config.topic.isRead) await read
  return {
    windowOf: store.windowOf,
    restore: store.restore,
    sizes: () => store.sizes(),
    async close() {
      await store.close()
      await stream.close()
    }
  }
}

/** The seed that ids were hashed with until now, or a new one. Rejects if the stored seed cannot be read. */
async function ownSeed(dir: string, shared: Seed | undefined): Promise<Seed> {
  const saved = await seedOf(dir)
  return typeof saved === 'string' ? (shared ?? [randomInt(2 ** 32), randomInt(2 ** 32)]) : saved
}

/** The seed of the fleet. While Kafka is away, the server's own seed, which is written to the fleet later if it has none. */
async function fleetSeed({ config }: IdsFleet, own: Seed, log: IdsLog): Promise<Seed> {
  const { topic } = config
  const agreed = agreeOnSeed(topic, own).catch((error: unknown) => {
    log.warn({ problem: (error as Error).message }, 'the seed of the fleet could not be written')
    return own
  })
  return topic.isRead ? agreed : own
}
