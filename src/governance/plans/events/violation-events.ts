import type { Clock } from '../../../model/clock.ts'
import type { Effect } from '../../../model/governance/rules.ts'
import type { OutgoingRecord } from '../../../model/record.ts'
import type { EventReport, RequestReport } from '../../../model/report.ts'
import type { Sink } from '../../../model/sink.ts'
import { isSinkUnavailable } from '../../../model/sink.ts'
import type { FoundDifference } from './violation-record.ts'
import { VIOLATION_EVENT, violationRecords } from './violation-record.ts'

/**
 * The limits of what is published, so that a flood of violations does not become a second flood. At most `burst` at
 * once, and `perEvent` for one event. `waiting` are kept in memory while the sink is slow.
 */
export const VIOLATION_EVENT_BOUNDS = { perSecond: 100, burst: 200, perEvent: 50, waiting: 1_000 }

/** Events are collected for this many milliseconds and then published together. */
const COLLECT_MS = 100

interface ViolationEventsOptions {
  readonly sink: Pick<Sink, 'publish'>
  /** The topics for events about violations of a source. */
  readonly topicsOf: (source: string) => readonly string[]
  readonly clock: Clock
  /** @param outcome `published`, `over_limit` or `failed` */
  readonly count: (source: string, outcome: string, events: number) => void
  readonly log: { error(fields: object, message: string): void }
}

/**
 * Publishes an event for each violation of an event that became durable, because it was accepted or was kept as a
 * blocked event. These events go straight to the sink: they are not judged, limited, deduplicated or routed as events
 * of clients are. What is beyond the limits, or cannot be made durable, is counted and dropped. The client's request
 * does not wait.
 */
export class ViolationEvents {
  readonly #options: ViolationEventsOptions
  /** By the effect that stands for them, until the outcome of the event is known. */
  readonly #found = new WeakMap<Effect, FoundDifference>()
  #waiting: OutgoingRecord[] = []
  #tokens = VIOLATION_EVENT_BOUNDS.burst
  #filledAt: number
  #timer: NodeJS.Timeout | undefined
  #publishing: Promise<void> | undefined
  #isClosed = false

  constructor(options: ViolationEventsOptions) {
    this.#options = options
    this.#filledAt = options.clock.monotonic()
  }

  /** Stores what a plan found, until observe() gets the event with this effect. */
  readonly note = (effect: Effect, found: FoundDifference): void => {
    this.#found.set(effect, found)
  }

  /** Must get every report with effects that were passed to note(). Keeps no part of it. */
  observe({ events }: RequestReport): void {
    for (const event of events) {
      for (const effect of event.effects ?? []) {
        const found = this.#found.get(effect)
        if (found === undefined) continue
        this.#found.delete(effect)
        if (isDurable(event) && !this.#isClosed) this.#add(found, event)
      }
    }
  }

  /** Publishes what waits, and nothing after it. Call this before the sink is closed. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#publishing
    await this.#publish()
  }

  #add(found: FoundDifference, event: EventReport): void {
    // These events may be sent back to this server. An event about each of them would start a loop.
    if (found.name === VIOLATION_EVENT) return
    const { topicsOf, count } = this.#options
    const source = found.source.id
    const granted = this.#take(Math.min(found.reported.length, VIOLATION_EVENT_BOUNDS.perEvent))
    const dropped = found.reported.length - granted
    if (dropped > 0) count(source, 'over_limit', dropped)
    if (granted === 0) return
    const wanted = { reported: found.reported.slice(0, granted), topics: topicsOf(source) }
    this.#waiting.push(...violationRecords(found, event, wanted))
    this.#schedule()
  }

  /** How many of this many events may be published. */
  #take(wanted: number): number {
    const { perSecond, burst, waiting } = VIOLATION_EVENT_BOUNDS
    const now = this.#options.clock.monotonic()
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAt) / 1000) * perSecond)
    this.#filledAt = now
    const granted = Math.min(wanted, Math.floor(this.#tokens), waiting - this.#waiting.length)
    this.#tokens -= granted
    return granted
  }

  #schedule(): void {
    if (this.#publishing !== undefined || this.#waiting.length === 0 || this.#isClosed) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#publishing = this.#publish().finally(() => {
        this.#publishing = undefined
        this.#schedule()
      })
    }, COLLECT_MS)
  }

  async #publish(): Promise<void> {
    while (this.#waiting.length > 0) {
      const records = this.#waiting
      this.#waiting = []
      const outcome = await this.#tryPublish(records)
      for (const [source, { length }] of Map.groupBy(records, record => record.source)) {
        this.#options.count(source, outcome, length)
      }
    }
  }

  async #tryPublish(records: readonly OutgoingRecord[]): Promise<string> {
    try {
      await this.#options.sink.publish(records)
      return 'published'
    } catch (error) {
      if (!isSinkUnavailable(error))
        this.#options.log.error({ err: error }, 'events about violations were not published')
      return 'failed'
    }
  }
}

/** False for duplicates and for events that the client must send again: their violations are published another time. */
function isDurable({ outcome, place }: EventReport): boolean {
  return place >= 0 && (outcome === 'accepted' || outcome === 'filtered')
}
