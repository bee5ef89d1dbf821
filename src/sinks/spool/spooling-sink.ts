import type { OutgoingRecord } from '../../model/record.ts'
import { lineOf } from '../../model/record.ts'
import type { Receipt, Sink } from '../../model/sink.ts'
import type { LogLines, SegmentLog } from '../event-log/contract.ts'
import type { LogReader } from '../event-log/log-reader.ts'
import { createReceiptMaker } from '../event-log/places.ts'
import { linesOf } from '../event-log/record-lines.ts'
import { isRefusedRecords } from '../kafka/refused-records.ts'
import type { RefusedFile, RefusedRecord } from './refused-file.ts'
import { createHandover } from './handover.ts'
import { startRelay } from './relay.ts'

export interface SpoolingSinkOptions {
  /** Rejects with SinkUnavailable, or RefusedRecords, within its own time-out. */
  readonly kafka: Sink
  readonly spool: SegmentLog
  /** What is to be relayed before new events may go to Kafka directly; the spool's own reader is the last. */
  readonly readers: readonly LogReader[]
  readonly refused: RefusedFile
  readonly restore: (line: Buffer) => OutgoingRecord | undefined
  readonly onRelayed?: (records: number) => void
  /** Monotonic milliseconds. */
  readonly monotonic: () => number
  readonly log: LogLines
}

export interface SpoolingSink extends Sink {
  /** Bytes on disk that Kafka has not confirmed. */
  backlogBytes(): number
}

/** Of its other records Kafka may have some still under way. */
const REFUSED: Receipt = { marks: [], read: () => [{ store: 'spool', file: 'refused.jsonl' }], released: false }

/** So long a start is not yet called ready on the strength of the spool alone: Kafka may be on its way up too. */
const KAFKA_GRACE_MS = 10_000

/** What the relay delivers in an instant: when no more than this is left, newcomers are held until it has. */
const LITTLE_BYTES = 256 * 1024

/**
 * Kafka with the event log as its spool. What Kafka does not confirm in time goes to the spool and is durable there;
 * from then on everything goes behind it, so that each user's order holds, until the relay has moved all of it.
 */
export function createSpoolingSink(options: SpoolingSinkOptions): SpoolingSink {
  const { kafka, spool, refused, log } = options
  /** Publishers that are on their way to Kafka directly. */
  let underway = 0
  /** Publishers that wait for those, to get behind them into the spool. */
  let waiting = 0
  let arrived: (() => void)[] = []
  let closing: Promise<void> | undefined
  let wasReady = false
  const startedAt = options.monotonic()

  const toReceipt = createReceiptMaker('spool', spool.dir)
  const handover = createHandover(options.monotonic)
  const relay = startRelay({ ...options, deliver, keepRefused: refused.keep, onRelayed, onDrained })
  let direct = isDrained()

  function isDrained(): boolean {
    return relay.backlogBytes() === 0 && spool.queuedBytes() === 0 && waiting === 0
  }

  function onDrained(): void {
    if (direct || closing !== undefined || !isDrained()) return
    direct = true
    log.info({}, 'the spool is empty: events go to Kafka directly again')
    handover.end()
  }

  function onRelayed(records: number): void {
    options.onRelayed?.(records)
    if (!direct && closing === undefined && relay.backlogBytes() + spool.queuedBytes() < LITTLE_BYTES) handover.begin()
  }

  function publish(records: readonly OutgoingRecord[]): Promise<Receipt> {
    if (handover.active) return handover.hold(lengthOf(records), () => publish(records))
    return direct ? publishDirectly(records) : publishBehind(records)
  }

  async function publishDirectly(records: readonly OutgoingRecord[]): Promise<Receipt> {
    underway++
    try {
      const receipt = await kafka.publish(records)
      leave()
      return receipt
    } catch (error) {
      if (isRefusedRecords(error)) {
        leave()
        await refused.keep(toRefused(records, error.refusals))
        return REFUSED
      }
      if (direct) log.warn({ problem: (error as Error).message }, 'Kafka does not confirm: events go to the spool')
      direct = false
      // Handed to the spool before anyone who waits may come after.
      const appended = append(records)
      leave()
      // Kafka may have been told of them, and be told of them again: the client repeats what nobody answered.
      return { ...(await appended), released: false }
    }
  }

  function leave(): void {
    if (--underway > 0) return
    const waiters = arrived
    arrived = []
    for (const resolve of waiters) resolve()
  }

  async function publishBehind(records: readonly OutgoingRecord[]): Promise<Receipt> {
    if (underway > 0) {
      waiting++
      await new Promise<void>(resolve => arrived.push(resolve))
      waiting--
    }
    return append(records)
  }

  async function append(records: readonly OutgoingRecord[]): Promise<Receipt> {
    const lines = linesOf(records)
    return toReceipt(await spool.append(lines), lines.lengths)
  }

  async function deliver(record: OutgoingRecord): Promise<readonly RefusedRecord[]> {
    try {
      await kafka.publish([record])
      return []
    } catch (error) {
      if (isRefusedRecords(error)) return toRefused([record], error.refusals)
      handover.end()
      throw error
    }
  }

  async function close(): Promise<void> {
    await relay.stop()
    handover.end()
    // What Kafka does not confirm any more rejects there, and goes to the spool.
    direct = false
    await kafka.close()
    if (underway > 0) await new Promise<void>(resolve => arrived.push(resolve))
    await Promise.all(options.readers.map(reader => reader.close()))
    await spool.close()
  }

  return {
    publish,
    health() {
      const toKafka = kafka.health()
      const toSpool = spool.health()
      const problems = [...toKafka.problems, ...toSpool.problems]
      const backlog = relay.backlogBytes()
      if (!direct && backlog > 0) problems.push(`${backlog} bytes wait in ${spool.dir} until Kafka takes them`)
      wasReady ||= toKafka.ready || options.monotonic() - startedAt >= KAFKA_GRACE_MS
      return { ready: wasReady && ((direct && toKafka.ready) || toSpool.ready), problems }
    },
    backlogBytes: () => relay.backlogBytes(),
    close: () => (closing ??= close())
  }
}

function lengthOf(records: readonly OutgoingRecord[]): number {
  return records.reduce((sum, { lineStart, lineEnd }) => sum + lineEnd - lineStart, 0)
}

function toRefused(
  records: readonly OutgoingRecord[],
  refusals: readonly { readonly index: number; readonly topic: string; readonly reason: string }[]
): RefusedRecord[] {
  return refusals.flatMap(({ index, topic, reason }) => {
    const record = records[index]
    return record === undefined ? [] : [{ line: lineOf(record), topic, reason }]
  })
}
