import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import type { Config } from '../../config/env/config.ts'
import type { Observations } from '../../debugger/ring/observations.ts'
import { createObservations } from '../../debugger/ring/observations.ts'
import type { BufferPool } from '../../ingest/enrich/buffer-pool.ts'
import { RecyclingBufferPool } from '../../ingest/enrich/buffer-pool.ts'
import type { IdSharing } from '../../ingest/dedupe/id-store.ts'
import type { RateSharing } from '../../ingest/pipeline/rate-limit.ts'
import type { Background } from '../../model/background.ts'
import { createBackground } from '../../model/background.ts'
import type { Clock } from '../../model/clock.ts'
import { systemClock } from '../../model/clock.ts'
import type { Sink } from '../../model/sink.ts'
import { createAudit } from '../../telemetry/audit.ts'
import { createMetrics } from '../../telemetry/metrics.ts'
import type { LiveSettings } from '../settings/live-settings.ts'
import { followSettings } from '../settings/live-settings.ts'
import type { AuditPlace } from './audited-config.ts'

const PACKAGE_FILE = new URL('../../../package.json', import.meta.url)

/** The version of the server's software. */
export const { version: VERSION } = JSON.parse(readFileSync(PACKAGE_FILE, 'utf8')) as { readonly version: string }

/** How the workers of a server share messageIds, and the name that they share as a sender in a fleet. */
type WorkerIds = IdSharing & { readonly sender: string }

export interface AppOptions {
  readonly config: Config
  readonly logger: Logger
  /** Replaces the configured sink, for tests. */
  readonly sink?: Sink
  readonly clock?: Clock
  readonly bufferPool?: BufferPool
  /** Other processes that share rate limits with this one, without a fleet. */
  readonly rateSharing?: RateSharing | undefined
  /** Other processes that share their messageIds with this one. */
  readonly shareIds?: WorkerIds | undefined
  /** Replaces the audit in DATA_DIR. */
  readonly audit?: AuditPlace
}

/** What every other part gets: settings, the logger, metrics and the debugger's observations. */
export interface Base {
  readonly config: Config
  /** The settings that change while the server runs. */
  readonly live: LiveSettings
  readonly logger: Logger
  readonly clock: Clock
  readonly bufferPool: BufferPool
  readonly background: Background
  readonly metrics: ReturnType<typeof createMetrics>
  readonly rateSharing: RateSharing | undefined
  readonly shareIds: WorkerIds | undefined
  readonly audit: AuditPlace
  /** The observations that the debugger shows. */
  readonly seen: Observations
}

export function createBase({
  config,
  logger,
  clock = systemClock,
  bufferPool,
  rateSharing,
  shareIds,
  audit
}: AppOptions): Base {
  return {
    config,
    live: followSettings(config, logger),
    logger,
    clock,
    bufferPool: bufferPool ?? new RecyclingBufferPool(),
    rateSharing,
    shareIds,
    audit: audit ?? auditIn(config.dataDir, clock, logger),
    background: createBackground(),
    metrics: createMetrics(),
    seen: createObservations(clock.now)
  }
}

function auditIn(dataDir: string, clock: Clock, log: Logger): AuditPlace {
  return { audit: createAudit({ dataDir, now: clock.now, log }), dir: dataDir }
}
