import type { ArchiveLevels } from '../../model/operations/archive-levels.ts'
import { FULL_SOON_MS, FULL_VERY_SOON_MS, describeTimeUntilFull } from '../../model/operations/disk-words.ts'
import { counted } from '../../model/operations/counted.ts'
import type { DiskState, Point, Probe } from '../ring/history.ts'

/** A problem of the server, as text, and what to do about it. */
export interface Advice {
  readonly level: 'error' | 'warning'
  readonly says: string
  readonly todo: string
  /** The address of the page that shows what it is about, without `#/`; default: the overview. */
  readonly page?: string
}

/** Advice is based on the events of this time. */
const LOOK_BACK_MS = 5 * 60 * 1000
const MANY_REJECTED = 0.05
const FEW_EVENTS = 20
const NEARLY_FULL = 0.8

/** The problems of the server now, the worst first; empty if there are none. @param now milliseconds since the epoch */
export function adviceFor(probe: Probe, points: readonly Point[], now: number): Advice[] {
  return [
    ...healthAdvice(probe),
    ...levelAdvice(probe),
    ...archiveAdvice(probe.archive),
    ...diskAdvice(probe.disk),
    ...eventAdvice(points, now)
  ].sort((a, b) => Number(b.level === 'error') - Number(a.level === 'error'))
}

function healthAdvice({ health, draining }: Probe): Advice[] {
  if (draining) return [{ level: 'warning', says: 'the server is shutting down', todo: 'nothing: it finishes first' }]
  const level = health.ready ? 'warning' : 'error'
  const todo = health.ready
    ? 'Events are still accepted and safe. Remove the cause; waiting events are then delivered automatically.'
    : 'Events are answered with 503, and clients keep them. Remove the cause; no restart is needed.'
  const unknown = health.ready || health.problems.length > 0 ? [] : ['events cannot be made durable now']
  return [...health.problems, ...unknown].map(says => ({ level, says, todo }))
}

function levelAdvice({ backlog, dedupe }: Probe): Advice[] {
  const found: Advice[] = []
  if (backlog !== undefined && backlog.bytes > backlog.maxBytes * NEARLY_FULL) {
    found.push({
      level: 'error',
      says: `the spool is ${percent(backlog.bytes / backlog.maxBytes)} full`,
      todo: 'Bring Kafka back, or raise SPOOL_MAX_BYTES: when it is full, events are answered with 503.'
    })
  }
  if (dedupe.ids >= dedupe.maxIds) {
    found.push({
      level: 'warning',
      says: `a source has more messageIds in DEDUP_WINDOW than DEDUP_MAX_IDS (${dedupe.maxIds})`,
      todo: 'Raise DEDUP_MAX_IDS, or shorten DEDUP_WINDOW: until then the oldest ids are forgotten early.'
    })
  }
  return found
}

/** That it does not grow is a problem of health. */
function archiveAdvice(archive: ArchiveLevels | undefined): Advice[] {
  const { lost = 0 } = archive ?? {}
  if (lost === 0) return []
  const says = `Kafka has deleted ${lost} records before the archive read them`
  const todo = 'They are missing in ARCHIVE, and the log names their partitions. Raise retention.ms of the topics.'
  return [{ level: 'warning', says, todo }]
}

function diskAdvice(disk: DiskState | undefined): Advice[] {
  const { fullInMs } = disk ?? {}
  const words = describeTimeUntilFull(fullInMs)
  if (fullInMs === undefined || words === undefined || fullInMs > FULL_SOON_MS) return []
  const todo =
    'Set LOG_RETENTION, move old segments, or enlarge the disk: when it is full, events are answered with 503.'
  return [{ level: fullInMs < FULL_VERY_SOON_MS ? 'error' : 'warning', says: `the disk is ${words}`, todo }]
}

/** The state of the disk for the page; null while it is unknown. */
export function diskView(disk: DiskState | undefined) {
  if (disk === undefined) return null
  const { freeBytes, sizeBytes, fullInMs } = disk
  return { freeBytes, sizeBytes, forecast: describeTimeUntilFull(fullInMs) ?? null }
}

function eventAdvice(points: readonly Point[], now: number): Advice[] {
  const latest = points.filter(({ at }) => at > now - LOOK_BACK_MS)
  const sum = (pick: (point: Point) => number): number => latest.reduce((total, point) => total + pick(point), 0)
  const rejected = sum(({ outcomes }) => outcomes.rejected)
  const limited = sum(({ outcomes }) => outcomes.rate_limited)
  const failed = sum(({ outcomes }) => outcomes.failed)
  const refused = sum(({ refusedRequests }) => refusedRequests)
  const all = sum(({ outcomes }) => Object.values(outcomes).reduce((total, count) => total + count, 0))
  const found: Advice[] = []
  if (failed > 0) {
    found.push({
      level: 'warning',
      page: 'live?outcome=failed',
      says: `${counted(failed, 'event')} failed in the last 5 minutes`,
      todo: 'They were answered with 503; SDKs send them again. See the live stream, outcome failed.'
    })
  }
  if (all >= FEW_EVENTS && rejected / all > MANY_REJECTED) {
    found.push({
      level: 'warning',
      says: `${percent(rejected / all)} of the events of the last 5 minutes were rejected`,
      page: 'rejections',
      todo: 'See Rejections for the reasons and for the SDKs that sent them.'
    })
  }
  if (limited > 0) {
    found.push({
      level: 'warning',
      page: 'live?outcome=rate_limited',
      says: `${counted(limited, 'event')} ${were(limited)} held back by a rate limit in the last 5 minutes`,
      todo: "SDKs send them again. Raise the source's rateLimit in the config file if the traffic is meant."
    })
  }
  if (refused > 0) {
    found.push({
      level: 'warning',
      page: 'rejections',
      says: `${counted(refused, 'request')} ${were(refused)} refused in the last 5 minutes before any event was read`,
      todo: 'See Rejections: a wrong write key, an origin that is not allowed, or a body that is not JSON.'
    })
  }
  return found
}

function were(count: number): string {
  return count === 1 ? 'was' : 'were'
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
}
