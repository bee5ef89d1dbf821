import type { OutgoingRecord } from '../../model/record.ts'
import type { Receipt } from '../../model/sink.ts'
import { createCall, type Call, type ConfirmedRequest, type KafkaMessage, type PartitionBatch } from './call.ts'
import { Landings } from './landings.ts'
import { createRecordEncoder, DELTA_SLACK_BYTES, type KafkaRecord } from './message.ts'
import { OpenCalls } from './open-calls.ts'
import { partitionOf } from './partition.ts'
import { RefusedRecords } from './refused-records.ts'
import { KafkaRequest } from './request.ts'

export interface TopicInfo {
  readonly partitions: number
  /** The topic's max.message.bytes: what one batch for a partition, and so one record, may be. */
  readonly maxBytes: number
}

export type Topics = ReadonlyMap<string, TopicInfo>

export interface Outbox {
  add(records: readonly OutgoingRecord[]): Promise<Receipt>
  /** Takes what goes as one request: whole records, oldest first, as long as `topics` knows all their topics. */
  gather(topics: Topics): KafkaRequest
  /** The topics of the oldest record that waits; undefined when none does. */
  headTopics(): readonly string[] | undefined
  /** Kafka has the messages. */
  confirm(request: ConfirmedRequest): void
  /** Kafka will never take the message. */
  refuse(message: KafkaMessage, reason: string): void
  /** Rejects every open call, oldest first, waiting or on its way. */
  rejectAll(error: Error): void
  /** Rejects the call of the oldest record that waits. */
  rejectHead(error: Error): void
  /** performance.now() when the oldest open call came; undefined when there is none. */
  oldest(): number | undefined
  /** Bytes of the open calls' lines, times their topics. */
  bytes(): number
}

const COMPACT_AT = 1_024

/** The calls that Kafka has not confirmed, in their order, and how they become requests. */
export function createOutbox(options: { readonly maxRequestBytes: number }): Outbox {
  const encode = createRecordEncoder()
  const landings = new Landings()
  const open = new OpenCalls()
  let queue: Call[] = []
  /** The next record is queue[callAt].records[recordAt]. */
  let callAt = 0
  let recordAt = 0
  let bytes = 0

  const close = (call: Call): void => {
    call.settled = true
    open.remove(call)
    bytes -= call.bytes
  }

  const finishIfDone = (call: Call): void => {
    if (call.waiting > 0 || call.settled) return
    close(call)
    if (call.refusals.length === 0) call.resolve(landings.receiptOf(call))
    else call.reject(new RefusedRecords(call.refusals))
  }

  const reject = (call: Call, error: Error): void => {
    if (call.settled) return
    close(call)
    call.reject(error)
  }

  const head = (): Call | undefined => {
    for (; callAt < queue.length; callAt++, recordAt = 0) {
      const call = queue[callAt] as Call
      if (!call.settled && recordAt < call.records.length) return call
    }
    queue = []
    callAt = 0
    return undefined
  }

  const refuse = (call: Call, at: { index: number; topic: string }, reason: string): void => {
    call.refusals.push({ ...at, reason })
    call.waiting--
    finishIfDone(call)
  }

  return {
    add(records) {
      const { promise, ...settle } = Promise.withResolvers<Receipt>()
      const call = createCall(records, settle)
      open.add(call)
      bytes += call.bytes
      queue.push(call)
      finishIfDone(call)
      return promise
    },

    gather(topics) {
      const filling = createFilling(topics, options.maxRequestBytes)
      for (let call = head(); call !== undefined; call = head()) {
        const record = call.records[recordAt] as OutgoingRecord
        if (!filling.knows(record.topics)) break
        const value = encode(record)
        const size = value.bytes
        if (!filling.fits(record.topics, size)) break
        for (const topic of record.topics) {
          const reason = filling.refusal(topic, size)
          if (reason !== undefined) refuse(call, { index: recordAt, topic }, reason)
          else filling.request.add({ batch: filling.place(topic, value, size), value, call, index: recordAt })
        }
        recordAt++
      }
      if (callAt > COMPACT_AT) queue = queue.slice(callAt)
      if (callAt > COMPACT_AT) callAt = 0
      return filling.request
    },

    headTopics: () => head()?.records[recordAt]?.topics,

    confirm(request) {
      landings.land(request)
      for (const { call } of request.messages) {
        call.waiting--
        finishIfDone(call)
      }
    },

    refuse: (message, reason) => refuse(message.call, { index: message.index, topic: message.batch.topic }, reason),

    rejectAll(error) {
      queue = []
      callAt = 0
      recordAt = 0
      for (let call = open.oldest; call !== undefined; call = open.oldest) reject(call, error)
    },

    rejectHead(error) {
      const call = head()
      if (call !== undefined) reject(call, error)
    },

    oldest: () => open.oldest?.enteredAt,

    bytes: () => bytes
  }
}

/** A topic as far as the request being filled is concerned. */
interface Share extends TopicInfo {
  /** Bytes of the request that are the topic's. */
  filled: number
}

/** One request being filled: at most maxRequestBytes in all, and for each topic what one batch may be. */
function createFilling(topics: Topics, maxRequestBytes: number) {
  const request = new KafkaRequest()
  const shares = new Map<string, Share>()
  /** Records without a key stick to one partition a request, as Java's do. */
  const keyless = Math.floor(Math.random() * 0x7fffffff)
  let total = 0

  /** Of a topic that is known. */
  const shareOf = (topic: string): Share => {
    let share = shares.get(topic)
    if (share === undefined) shares.set(topic, (share = { ...(topics.get(topic) as TopicInfo), filled: 0 }))
    return share
  }

  return {
    request,

    knows(names: readonly string[]): boolean {
      for (const topic of names) if (!topics.has(topic)) return false
      return true
    },

    fits(names: readonly string[], bytes: number): boolean {
      if (request.messages.length === 0) return true
      const size = bytes + DELTA_SLACK_BYTES
      if (total + size * names.length > maxRequestBytes) return false
      for (const topic of names) {
        const { filled, maxBytes } = shareOf(topic)
        if (filled + size > maxBytes) return false
      }
      return true
    },

    refusal(topic: string, bytes: number): string | undefined {
      const { maxBytes } = shareOf(topic)
      if (bytes <= maxBytes) return undefined
      return `the record is ${bytes} bytes, the topic takes ${maxBytes} (max.message.bytes)`
    },

    /** Counts the record in. */
    place(topic: string, record: KafkaRecord, bytes: number): PartitionBatch {
      const share = shareOf(topic)
      share.filled += bytes + DELTA_SLACK_BYTES
      total += bytes + DELTA_SLACK_BYTES
      const { texts, keyStart: start, keyEnd: end } = record.record
      const partition = start === end ? keyless : partitionOf(texts, { start, end }, share.partitions)
      return request.batchFor(topic, partition % share.partitions)
    }
  }
}
