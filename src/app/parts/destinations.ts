import type { SinkOptions } from '../../durability/open.ts'
import { asOpenSink, openSink } from '../../durability/open.ts'
import { createLiveRouter } from '../../ingest/route/live-router.ts'
import { createRestore } from '../../ingest/route/restore.ts'
import type { Sink } from '../../model/sink.ts'
import type { ArchivedSink } from './archive.ts'
import { withArchive } from './archive.ts'
import type { Base } from './base.ts'
import type { Sources } from './sources.ts'

/**
 * The part of SHUTDOWN_GRACE in which Kafka may confirm what it has been sent: what it confirms later is sent again by the next
 * start. Requests have most of the grace (compose.ts), and positions and journals are written after this. At least
 * PUBLISH_TIMEOUT, after which a lane counts as late.
 */
const IN_FLIGHT_SHARE_OF_GRACE = 0.25

type Router = ReturnType<typeof createLiveRouter>

export interface Destinations {
  /** Follows tributary.yml. */
  readonly routing: Router
  readonly sink: ArchivedSink
  readonly knownTopics: () => readonly string[]
}

/** Creates the router and the sink that makes events durable. @param given replaces the configured sink */
export async function openDestinations(base: Base, sources: Sources, given: Sink | undefined): Promise<Destinations> {
  const { config, logger, clock } = base
  const { keys, fleet } = sources
  const routing = createLiveRouter(keys.current(), {
    topics: config,
    now: clock.now,
    refusedTopics: (names, timeoutMs) => sink.refusedTopics(names, timeoutMs),
    onTopics: names => sink.ensureTopics(names),
    onRefused(problems) {
      logger.error({ file: config.configFile, problems }, 'Kafka refuses topics: the config file in force stays')
      fleet?.config.refused(problems)
    }
  })
  const knownTopics = (): readonly string[] => routing.current().knownTopics(keys.sources())
  const opened =
    given === undefined
      ? await openSink(sinkOptions(base, keys, { routing, topics: knownTopics() }))
      : asOpenSink(given)
  const sink = await withArchive(base, opened, () => routing.current().eventsTopics(keys.sources()))
  return { routing, sink, knownTopics }
}

function sinkOptions(
  base: Base,
  keys: Sources['keys'],
  { routing, topics }: { readonly routing: Router; readonly topics: readonly string[] }
): SinkOptions {
  const { config, live, clock, logger, metrics, seen } = base
  return {
    ...config,
    kafka: live.kafka && {
      ...live.kafka,
      topics: { ...live.kafka.topics, settings: () => keys.current().topics ?? [] }
    },
    topics,
    hasViolations: config.violationsTopic !== undefined,
    drainMs: config.drainOnStopMs,
    inFlightMs: Math.max(config.publishTimeoutMs, config.shutdownGraceMs * IN_FLIGHT_SHARE_OF_GRACE),
    retention: { ageMs: config.logRetention.maxAgeMs, bytes: config.logRetention.maxBytes },
    restorer: () => createRestore(routing.current()),
    clock,
    log: logger,
    onWrite(name, write) {
      metrics.published(name, write)
      seen.published(write.milliseconds)
    },
    onRelayed: metrics.relayed
  }
}
