import type { OutgoingRecord } from '../../model/record.ts'
import type { LogLines, Position } from '../event-log/contract.ts'
import type { Batch, LogReader } from '../event-log/log-reader.ts'
import type { RefusedRecord } from './refused-file.ts'

export interface RelayOptions {
  /** What is to be relayed, in this order: a log is begun when the ones before it are at their end. */
  readonly readers: readonly LogReader[]
  /** Makes a kept line a record again, routed as the configuration now says; undefined where it is none. */
  readonly restore: (line: Buffer) => OutgoingRecord | undefined
  /** Resolves once Kafka has confirmed the record, with what it refuses for good. Calls keep their order. */
  readonly deliver: (record: OutgoingRecord) => Promise<readonly RefusedRecord[]>
  readonly keepRefused: (records: readonly RefusedRecord[]) => Promise<void>
  /** Called each time that the end of everything is reached, in the turn in which nothing is left. */
  readonly onDrained: () => void
  /** Called after each step forward. */
  readonly onRelayed: (records: number) => void
  readonly log: LogLines
}

export interface Relay {
  /** Bytes that Kafka has not confirmed. */
  backlogBytes(): number
  /** Ends after the delivery under way; what is left stays for the next start. */
  stop(): Promise<void>
}

/** After a failure: so long until the next try, doubled each time, with up to half of it off by chance. */
const FIRST_PAUSE_MS = 100
const MAX_PAUSE_MS = 2_000
/** What is sent at once shrinks while deliveries fail, so that a slow Kafka can confirm it in time. */
const MIN_SLICE_RECORDS = 16
const MAX_SLICE_RECORDS = 16_384

/**
 * Moves what lies in the logs to Kafka, in order, for as long as the server runs. A position is kept only after Kafka
 * confirmed all before it, so whatever happens in between is sent again: at least once, never skipped.
 */
export function startRelay(options: RelayOptions): Relay {
  const { readers, restore, deliver, keepRefused, onDrained, onRelayed, log } = options
  let stopped = false
  let sliceRecords = 1_024
  let pauseMs = FIRST_PAUSE_MS
  /** The trouble that the log tells already: tries follow one another for as long as Kafka is away. */
  let told = ''
  /** Lines of the batch under way that were delivered while others were not. */
  const delivered = new Set<Buffer>()
  /** Ends the rest under way. */
  let wake: () => void = () => undefined

  async function run(): Promise<void> {
    while (!stopped) {
      try {
        const relayed = await relayNext()
        pauseMs = FIRST_PAUSE_MS
        if (relayed) continue
        onDrained()
        await rest(done => {
          void Promise.race(readers.map(reader => reader.wait())).finally(done)
        })
      } catch (error) {
        tell(error, 'the relay could not deliver; it tries again')
        sliceRecords = Math.max(MIN_SLICE_RECORDS, sliceRecords >> 1)
        await pause()
      }
    }
  }

  /** Relays one batch of the first log that has any; false at the end of all. */
  async function relayNext(): Promise<boolean> {
    for (const reader of readers) {
      const batch = await reader.next()
      if (batch === undefined) continue
      await relayBatch(reader, batch)
      return true
    }
    return false
  }

  async function relayBatch(reader: LogReader, batch: Batch): Promise<void> {
    let done = 0
    while (done < batch.lines.length && !stopped) {
      const lines = batch.lines.slice(done, done + sliceRecords)
      try {
        await relayLines(lines)
      } catch (error) {
        sliceRecords = Math.max(MIN_SLICE_RECORDS, sliceRecords >> 1)
        tell(error, 'Kafka did not take what is spooled; the relay tries again')
        await pause()
        continue
      }
      done += lines.length
      pauseMs = FIRST_PAUSE_MS
      told = ''
      sliceRecords = Math.min(MAX_SLICE_RECORDS, sliceRecords * 2)
      await commit(reader, done === batch.lines.length ? batch.end : batch.after(done - 1))
      onRelayed(lines.length)
    }
    delivered.clear()
    if (batch.lines.length === 0) await commit(reader, batch.end)
  }

  /**
   * Each line by itself, so that what one partition confirms is not sent to it again for as long as another one fails.
   * Rejects when one is neither confirmed nor put aside.
   */
  async function relayLines(lines: readonly Buffer[]): Promise<void> {
    const left = delivered.size === 0 ? lines : lines.filter(line => !delivered.has(line))
    const settled = await Promise.allSettled(left.map(relayLine))
    const refused = settled.flatMap(one => (one.status === 'fulfilled' ? one.value : []))
    if (refused.length > 0) await keepRefused(refused)
    const failed = settled.find(one => one.status === 'rejected')
    if (failed === undefined) return
    left.forEach((line, at) => {
      if (settled[at]?.status === 'fulfilled') delivered.add(line)
    })
    throw failed.reason
  }

  async function relayLine(line: Buffer): Promise<readonly RefusedRecord[]> {
    const record = restore(line)
    if (record === undefined) return [{ line, topic: '', reason: 'the line is not a record of this server' }]
    return await deliver(record)
  }

  /** A position that cannot be written now costs duplicates after a restart, not events: it is written next time. */
  async function commit(reader: LogReader, position: Position): Promise<void> {
    try {
      await reader.commit(position)
    } catch (error) {
      log.warn({ problem: (error as Error).message }, 'the position of the relay could not be written')
    }
  }

  function tell(error: unknown, message: string): void {
    const problem = (error as Error).message
    if (problem !== told) log.warn({ problem }, message)
    told = problem
  }

  function pause(): Promise<void> {
    const ms = pauseMs * (1 - Math.random() / 2)
    pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2)
    return rest(done => void setTimeout(done, ms))
  }

  /** Until `begin` says that it is over, or the relay is stopped; a race would be kept by the side that never ends. */
  function rest(begin: (done: () => void) => void): Promise<void> {
    if (stopped) return Promise.resolve()
    return new Promise(resolve => {
      wake = resolve
      begin(resolve)
    })
  }

  const ended = run()

  return {
    backlogBytes: () => readers.reduce((sum, reader) => sum + reader.backlogBytes(), 0),
    async stop() {
      stopped = true
      wake()
      await ended
    }
  }
}
