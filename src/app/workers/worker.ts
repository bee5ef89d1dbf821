/** One worker: the whole server in `DATA_DIR/worker-k`, without an admin listener of its own. */
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Config } from '../../config/env/config.ts'
import { fleetKeyLine, mayShowKey } from '../banner.ts'
import { workerConfig } from './worker-config.ts'
import { createSeenCollector } from '../../fleet/seen/collector.ts'
import type { WorkerLimits } from '../../fleet/workers/limits.ts'
import { createWorkerLimits } from '../../fleet/workers/limits.ts'
import { connectToPrimary } from '../../fleet/workers/link.ts'
import type { PrimaryLink } from '../../fleet/workers/link.ts'
import type { StartMessage } from '../../fleet/workers/messages.ts'
import { createSeqs } from '../../fleet/workers/seqs.ts'
import { createWatches } from '../../fleet/workers/watches.ts'
import { answerRequest } from '../../fleet/workers/worker-routes.ts'
import { ConfigError, isConfigError } from '../../model/config-error.ts'
import type { DataDirLock } from '../../durability/data-dir-lock.ts'
import { lockDataDir } from '../../durability/data-dir-lock.ts'
import { createAudit } from '../../telemetry/audit.ts'
import { createLogger } from '../../telemetry/logger.ts'
import type { App } from '../compose.ts'
import { createApp } from '../compose.ts'
import type { AuditPlace } from '../parts/audited-config.ts'
import { describeFatalError } from '../fatal-error.ts'
import type { EndWithGrace } from '../end-with-grace.ts'

/** How long to wait for the folder's lock: a worker of a killed primary needs time to notice that. */
const LOCK_TIMEOUT_MS = 30_000
const LOCK_RETRY_MS = 50
const DRAIN_POLL_MS = 100
/** The precision of the order of events from several workers, in milliseconds. */
const MARK_MS = 50

/** Runs until the primary sends `stop`. Resolves with false if it cannot serve, after it has sent the reason to the primary. */
export async function runWorker(config: Config, endWithGrace: EndWithGrace): Promise<boolean> {
  // Only the primary handles this signal.
  process.on('SIGUSR2', () => undefined)
  const link = connectToPrimary()
  const start = await link.started
  try {
    await serve(workerConfig(config, start.index, start.count), { start, link, endWithGrace })
    return true
  } catch (error) {
    await link.send({ op: 'failed', words: describeFatalError(error), isRefused: isConfigError(error) })
    return false
  }
}

interface Context {
  readonly start: StartMessage
  readonly link: PrimaryLink
  readonly endWithGrace: EndWithGrace
}

async function serve(config: Config, { start, link, endWithGrace }: Context): Promise<void> {
  const logger = createLogger(config).child({ worker: start.index })
  const lock = await lockFolder(config.dataDir)
  const { share } = start
  const collector = share && createSeenCollector(batches => void link.send({ op: 'seen', batches }))
  const limits = createWorkerLimits(start.count, () => performance.now())
  const app = await createApp({
    config,
    logger,
    rateSharing: limits,
    audit: auditOfWorker(start.index, dirname(config.dataDir), logger),
    shareIds: share && { ...share, onKept: collector?.add ?? (() => undefined) }
  })
  for (const { name, entries } of share?.recent ?? []) app.restoreIds(name, entries)
  const close = async (): Promise<number> => {
    await app.close()
    collector?.flush()
    await lock.release()
    const left = app.backlogBytes()
    await link.send({ op: 'stopped', left, metrics: await app.readMetrics() })
    return left
  }
  // The primary logs the last line, for all workers together.
  const log = { info: logger.debug.bind(logger), warn: logger.debug.bind(logger), fatal: logger.fatal.bind(logger) }
  const delayMs = config.shutdownGraceMs + config.drainOnStopMs
  const end = endWithGrace({ delayMs, log, close, where: `${config.dataDir}/spool` })
  handlePrimaryMessages(app, { start, link, limits, end })
  if (start.task === 'drain') {
    while (app.backlogBytes() > 0) await sleep(DRAIN_POLL_MS)
    return end()
  }
  await app.admin.ready()
  const url = await app.tracking.listen({ host: config.host, port: config.port })
  await link.send({ op: 'beat', ...(await sendHeartbeat(app, limits)) })
  await link.send({ op: 'listening', url })
  app.joinFleet('')
  if (app.firstKey !== undefined) process.stdout.write(fleetKeyLine(app.firstKey, mayShowKey(config)))
  const problems = await app.topicProblems()
  if (problems.length === 0) return
  // Events accepted until now are durable: in Kafka, or in the spool.
  await app.close()
  await lock.release()
  throw new ConfigError(problems)
}

/** All workers see an edit of the configuration, and worker 0 audits it. The primary audits requests of people. */
function auditOfWorker(index: number, dataDir: string, log: Logger): AuditPlace {
  if (index !== 0) return { audit: () => undefined, dir: undefined }
  const record = createAudit({ dataDir, now: Date.now, log })
  return {
    audit(action, facts) {
      if (action === 'config_changed') record(action, facts)
    },
    dir: dataDir
  }
}

/** Handles the messages of the primary from now on. */
function handlePrimaryMessages(
  app: App,
  { start, link, limits, end }: Pick<Context, 'start' | 'link'> & { limits: WorkerLimits; end: () => void }
): void {
  const { index } = start
  const nextLocal = app.debugger.nextSeq
  const seqs = createSeqs({ index, nextLocal, elapsedMs: () => Date.now() - start.epoch })
  const watches = createWatches({ watch: app.debugger.watch, nextLocal, seqs, index, send: link.send })
  setInterval(seqs.mark, MARK_MS).unref()
  link.serve({
    answer: question =>
      question.kind === 'metrics' ? app.readMetrics() : answerRequest(question, { admin: app.admin, seqs, index }),
    reload: app.reload,
    stop: end,
    beat: () => sendHeartbeat(app, limits),
    demand: ({ others }) => limits.heard(others),
    watch: watches.begin,
    more: ({ id }) => watches.more(id),
    unwatch: ({ id }) => watches.stop(id),
    seen({ batches }) {
      for (const { name, entries } of batches) app.restoreIds(name, entries)
    }
  })
}

async function lockFolder(dir: string): Promise<DataDirLock> {
  const end = performance.now() + LOCK_TIMEOUT_MS
  for (;;) {
    try {
      return await lockDataDir(dir)
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'DATA_DIR_IN_USE' || performance.now() > end) throw error
      await sleep(LOCK_RETRY_MS)
    }
  }
}

async function sendHeartbeat(app: App, limits: WorkerLimits) {
  const { statusCode, payload } = await app.admin.inject({
    method: 'GET',
    url: '/readyz',
    headers: { host: 'localhost' }
  })
  const { problems } = JSON.parse(payload) as { problems: readonly string[] }
  const kafka = await app.admin.inject({ method: 'GET', url: '/readyz/kafka', headers: { host: 'localhost' } })
  const isKafkaReached = kafka.statusCode === 200
  const [backlog, demand] = [app.backlogBytes(), limits.demand()]
  return { ready: statusCode === 200, kafka: isKafkaReached, problems, backlog, demand }
}
