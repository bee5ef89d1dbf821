import {
  kGetApi,
  Producer,
  Writer,
  type API,
  type Callback,
  type Connection,
  type NumericMap
} from '@platformatic/kafka'
import type { KafkaRecord } from './message.ts'
import { encodeBatch, type BatchMessage } from './record-batch.ts'

/** A message as the client hands it to a version of the Produce API. */
export interface ProduceMessage extends BatchMessage {
  readonly topic: string
  readonly partition: number
}

/** What the client says of the producer: a batch that it repeats carries the same numbers again. */
export interface ProduceState {
  readonly producerId?: bigint | undefined
  readonly producerEpoch?: number | undefined
  readonly sequences?: NumericMap | undefined
}

type ProduceArguments = [acks: number, timeout: number, messages: readonly ProduceMessage[], state: ProduceState]

/** The version since which strings, arrays and lengths are compact and structures end with tags. */
const FIRST_COMPACT_VERSION = 9

/**
 * The client's producer, except that it encodes the records of a Produce request by itself: the client's own encoding
 * makes some thirty objects a record and copies each payload several times, which cost more than all else that
 * publishing does. Everything hard stays the client's: leaders, connections, producer id, sequences, repeats, answers.
 *
 * The seam is kGetApi, which the client exports for its subclasses, and that the versions of an API only call
 * connection.send(). It is checked by test/sinks/kafka/batch-producer.test.ts for the pinned version of the client.
 */
export class BatchProducer extends Producer<Buffer, KafkaRecord> {
  override [kGetApi]<Arguments extends unknown[], Response>(
    name: string,
    callback: Callback<API<Arguments, Response>>
  ): void {
    super[kGetApi]<Arguments, Response>(name, (error, api) => {
      callback(error, name === 'Produce' && api !== undefined ? withOwnEncoding(api) : api)
    })
  }
}

/** The same version of the API, with the same parser of its answer; only what makes the request is another. */
function withOwnEncoding<Arguments extends unknown[], Response>(
  api: API<Arguments, Response>
): API<Arguments, Response> {
  const call = (connection: Connection, ...args: unknown[]): void => {
    const send: Connection['send'] = (key, version, _clientsOwn, ...rest) => {
      const createRequest = (): Writer => createProduceRequest(version, args.slice(0, 4) as ProduceArguments)
      connection.send(key, version, createRequest, ...rest)
    }
    Reflect.apply(api, undefined, [{ send }, ...args])
  }
  return Object.assign(call, { async: api.async, key: api.key, version: api.version })
}

/** The request's payload, in the Produce API's versions 3 to 11. */
export function createProduceRequest(
  version: number,
  [acks, timeout, messages, state]: Readonly<ProduceArguments>
): Writer {
  const isCompact = version >= FIRST_COMPACT_VERSION
  const writePartition = (writer: Writer, batch: readonly ProduceMessage[]): void => {
    const { topic, partition } = batch[0] as ProduceMessage
    const bytes = encodeBatch(batch, {
      producerId: state.producerId ?? -1n,
      producerEpoch: state.producerEpoch ?? 0,
      firstSequence: state.sequences?.get(`${topic}:${partition}`) ?? 0
    })
    writer.appendInt32(partition).appendBytes(bytes, isCompact)
  }
  const writeTopic = (writer: Writer, [topic, batches]: [string, ProduceMessage[][]]): void => {
    writer.appendString(topic, isCompact).appendArray(Object.values(batches), writePartition, isCompact, isCompact)
  }
  const writer = Writer.create()
    .appendString(null, isCompact)
    .appendInt16(acks)
    .appendInt32(timeout)
    .appendArray(Object.entries(byPlace(messages)), writeTopic, isCompact, isCompact)
  if (isCompact) writer.appendTaggedFields()
  return writer
}

/** By topic, then by partition; an object, not a map, for the order that the client's requests have. */
function byPlace(messages: readonly ProduceMessage[]): Record<string, ProduceMessage[][]> {
  const topics = Object.create(null) as Record<string, ProduceMessage[][]>
  for (const message of messages) {
    const batches = (topics[message.topic] ??= [])
    const batch = (batches[message.partition] ??= [])
    batch.push(message)
  }
  return topics
}
