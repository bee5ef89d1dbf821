import { Writer, type NumericMap } from '@platformatic/kafka'
import type { PartitionBatch } from './call.ts'
import type { KafkaRecord } from './message.ts'
import { encodeBatch } from './record-batch.ts'
import { RecordSequences } from './record-sequences.ts'
import { Scratch } from './scratch.ts'

/** A batch as the client hands it to a version of the Produce API. */
export interface ProduceMessage {
  readonly topic: string
  readonly partition: number
  readonly value: Pick<PartitionBatch, 'records'>
}

/** What the client says of the producer: a batch that it repeats carries the same numbers again. */
export interface ProduceState {
  readonly producerId?: bigint | undefined
  readonly producerEpoch?: number | undefined
  /** The client's number of the first message for each topic and partition. */
  readonly sequences?: NumericMap | undefined
}

export type ProduceArguments = [acks: number, timeout: number, messages: readonly ProduceMessage[], state: ProduceState]

/** Makes the payload of a Produce request, in the versions 3 to 11; it is right until the next one is made. */
export type ProduceEncoder = (version: number, args: Readonly<ProduceArguments>) => Writer

/** The version since which strings, arrays and lengths are compact and structures end with tags. */
const FIRST_COMPACT_VERSION = 9

/**
 * The encoder of one producer. All its requests are made in the same memory: the client copies each, behind its head,
 * before its connection.send() returns.
 */
export function createProduceEncoder(): ProduceEncoder {
  const sequences = new RecordSequences()
  const scratch = new Scratch()

  return (version, [acks, timeout, messages, state]) => {
    const isCompact = version >= FIRST_COMPACT_VERSION
    const writePartition = (writer: Writer, ofPlace: readonly ProduceMessage[]): void => {
      const records = recordsOf(ofPlace)
      const { partition } = ofPlace[0] as ProduceMessage
      const firstSequence = sequenceOf(ofPlace, { records: records.length, state, sequences })
      const { producerId = -1n, producerEpoch = 0 } = state
      const bytes = encodeBatch(records, { producerId, producerEpoch, firstSequence }, scratch)
      writer.appendInt32(partition).appendBytes(bytes, isCompact)
    }
    const writeTopic = (writer: Writer, [topic, partitions]: [string, ProduceMessage[][]]): void => {
      writer.appendString(topic, isCompact)
      writer.appendArray(Object.values(partitions), writePartition, isCompact, isCompact)
    }
    scratch.clear()
    const writer = Writer.create()
      .appendString(null, isCompact)
      .appendInt16(acks)
      .appendInt32(timeout)
      .appendArray(Object.entries(byPlace(messages)), writeTopic, isCompact, isCompact)
    if (isCompact) writer.appendTaggedFields()
    return writer
  }
}

/** By topic, then by partition; an object, not a map, for the order that the client's requests have. */
function byPlace(messages: readonly ProduceMessage[]): Record<string, ProduceMessage[][]> {
  const topics = Object.create(null) as Record<string, ProduceMessage[][]>
  for (const message of messages) {
    const partitions = (topics[message.topic] ??= [])
    const ofPlace = (partitions[message.partition] ??= [])
    ofPlace.push(message)
  }
  return topics
}

/** A place gets more than one message when its topic has fewer partitions than it had: the client folds them. */
function recordsOf(ofPlace: readonly ProduceMessage[]): readonly KafkaRecord[] {
  const [only, second] = ofPlace as [ProduceMessage, ...ProduceMessage[]]
  return second === undefined ? only.value.records : ofPlace.flatMap(({ value }) => value.records)
}

function sequenceOf(
  ofPlace: readonly ProduceMessage[],
  batch: { readonly records: number; readonly state: ProduceState; readonly sequences: RecordSequences }
): number {
  const { topic, partition } = ofPlace[0] as ProduceMessage
  const { records, state, sequences } = batch
  const { producerId, producerEpoch } = state
  const place = `${topic}:${partition}`
  const number = state.sequences?.get(place)
  return sequences.firstOf(place, { producerId, producerEpoch, number, messages: ofPlace.length, records })
}
