/** The primary of a server with workers. It starts and restarts them, and has the lock and the admin listener. It accepts no events. */
import cluster from 'node:cluster'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { banner, mayShowKey } from '../banner.ts'
import type { Config } from '../../config/env/config.ts'
import { prepareForWorkers } from '../../fleet/workers/folders.ts'
import { relayDemand } from '../../fleet/workers/limits.ts'
import type { FromWorker } from '../../fleet/workers/messages.ts'
import type { SeenRelay } from '../../fleet/workers/seen-relay.ts'
import { createSeenRelay } from '../../fleet/workers/seen-relay.ts'
import type { Slot } from '../../fleet/workers/slot.ts'
import { Supervisor } from '../../fleet/workers/supervisor.ts'
import type { Feed } from '../../fleet/workers/view/feed.ts'
import { createFeed } from '../../fleet/workers/view/feed.ts'
import { onHangUp } from '../hang-up.js'
import { logDiskForecast } from '../parts/disk.ts'
import { firstKeyOf } from '../parts/fleet.ts'
import { lockDataDir } from '../../durability/data-dir-lock.ts'
import type { GroupMetrics } from '../../telemetry/group-metrics.ts'
import { createGroupMetrics } from '../../telemetry/group-metrics.ts'
import { createLogger } from '../../telemetry/logger.ts'
import type { EndWithGrace } from '../end-with-grace.ts'
import { readBacklogOnDisk } from './backlog-on-disk.ts'
import { createPrimaryAdmin } from './primary-admin.ts'
import { createIdSharing } from './shared-ids.ts'

/** A worker that takes this much longer than its grace is killed. */
const KILL_MARGIN_MS = 2_000
const DRAIN_RETRY_MS = 10_000

/** Runs `count` workers until a signal. Rejects with a readable Error if the configuration cannot be used. */
export async function runPrimary(config: Config, count: number, endWithGrace: EndWithGrace): Promise<void> {
  const logger = createLogger(config)
  for (const warning of config.warnings) logger.warn(warning)
  const firstKey = await firstKeyOf(config)
  const lock = await lockDataDir(config.dataDir)
  const leftOver = await prepareForWorkers(config.dataDir, count)
  const metrics = createGroupMetrics(config.spoolMaxBytes)
  const share = config.dedupShare ? await createIdSharing(config.dataDir) : undefined
  const { supervisor, feed } = createWorkers(config, { count, metrics, share, logger })
  const admin = await createPrimaryAdmin(config, { supervisor, metrics, feed, logger })
  onHangUp(() => {
    logger.info('SIGHUP: reading the config file and the certificate again')
    admin.reload()
    for (const slot of supervisor.slots) slot.send({ op: 'reload' })
  })

  reloadOnSignal(supervisor, logger)
  const graceMs = config.shutdownGraceMs + config.drainOnStopMs
  async function stop(): Promise<number> {
    const isClean = await supervisor.stop()
    await admin.close()
    await lock.release()
    if (!isClean) throw new Error('a worker had to be killed')
    return bytesLeft(config, supervisor.slots)
  }
  endWithGrace({
    delayMs: graceMs + 2 * KILL_MARGIN_MS,
    log: logger,
    close: stop,
    where: `${config.dataDir}/worker-*/spool`
  })

  try {
    const tracking = await supervisor.start()
    const urls = { tracking, admin: await admin.server.listen({ host: config.adminHost, port: config.adminPort }) }
    logger.info({ ...urls, workers: count }, 'listening')
    await logDiskForecast(config, logger)
    const isShown = mayShowKey(config)
    if (firstKey !== undefined)
      process.stdout.write(banner({ key: firstKey, file: config.configFile, ...urls, isShown }))
    if (config.kafka !== undefined) void drainLeftOver(leftOver, supervisor, logger)
    await supervisor.refused
  } catch (error) {
    await stop()
    throw error
  }
}

interface Parts {
  readonly count: number
  readonly metrics: GroupMetrics
  readonly share: Awaited<ReturnType<typeof createIdSharing>> | undefined
  readonly logger: Logger
}

function createWorkers(config: Config, { count, metrics, share, logger }: Parts) {
  // The kernel distributes connections to the workers: see docs/decisions/workers.md.
  cluster.schedulingPolicy = cluster.SCHED_NONE
  cluster.setupPrimary({
    exec: join(import.meta.dirname, '../../start.js'),
    args: [],
    serialization: 'advanced'
  })
  const epoch = Date.now()
  const seen = createSeenRelay(() => supervisor.slots)
  const supervisor = new Supervisor({
    count,
    startFacts: (index, task) => ({
      epoch,
      share: share && task === 'serve' ? { ...share(index), recent: seen.recent() } : undefined
    }),
    fork: () => cluster.fork(),
    stopMs: config.shutdownGraceMs + config.drainOnStopMs + KILL_MARGIN_MS,
    onMessage: (slot, message) => relayWorkerMessages({ metrics, seen, feed: () => feed }, slot, message),
    onGone: slot => metrics.retire(slot.index),
    log: logger
  })
  const feed = createFeed(supervisor.slots)
  relayDemand(supervisor.slots)
  return { supervisor, feed }
}

/** Handles the messages of workers other than heartbeats: their last counters, rows of live streams, and seen messageIds. */
function relayWorkerMessages(
  { metrics, seen, feed }: { metrics: GroupMetrics; seen: SeenRelay; feed: () => Feed },
  slot: Slot,
  message: FromWorker
): void {
  if (message.op === 'stopped') metrics.retire(slot.index, message.metrics)
  else if (message.op === 'rows') feed().rows(slot, message)
  else if (message.op === 'seen') seen.heard(slot, message.batches)
  else if (message.op === 'listening') feed().began(slot)
}

/** Replaces the workers one at a time on SIGUSR2, so that they load new code. */
function reloadOnSignal(supervisor: Supervisor, logger: Logger): void {
  let isUnderWay = false
  process.on('SIGUSR2', () => {
    if (isUnderWay) return logger.warn('SIGUSR2: the workers are being replaced already')
    isUnderWay = true
    logger.info('SIGUSR2: replacing the workers one at a time')
    supervisor
      .roll()
      .then(() => logger.info('all workers are replaced'))
      .catch((error: Error) => logger.error({ problem: error.message }, 'the workers are not all replaced'))
      .finally(() => (isUnderWay = false))
  })
}

/** Sends the events in the folders of earlier workers to Kafka, one folder at a time. */
async function drainLeftOver(folders: readonly number[], supervisor: Supervisor, logger: Logger): Promise<void> {
  for (const index of folders) {
    for (;;) {
      logger.info({ folder: index }, `worker-${index} is left over: its events are sent to Kafka`)
      try {
        await supervisor.run(index, 'drain')
        break
      } catch (error) {
        if (supervisor.isStopping) return
        logger.error({ folder: index, problem: (error as Error).message }, `worker-${index} is not sent yet`)
        await sleep(DRAIN_RETRY_MS, undefined, { ref: false })
      }
    }
    if (supervisor.isStopping) return
    logger.info({ folder: index }, `Kafka has all of worker-${index}`)
  }
}

/** Bytes in all workers' folders that Kafka has not confirmed: as each worker reported, otherwise as the folder contains. */
async function bytesLeft(config: Config, slots: readonly Slot[]): Promise<number> {
  if (config.kafka === undefined) return 0
  const reported = new Map(slots.flatMap(({ index, left }) => (left === undefined ? [] : [[index, left]])))
  const onDisk = await readBacklogOnDisk(config, new Set(reported.keys()))
  return [...reported.values(), ...onDisk.values()].reduce((sum, bytes) => sum + bytes, 0)
}
