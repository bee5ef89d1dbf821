import { kGetApi, Producer, type API, type Callback, type Connection, type Writer } from '@platformatic/kafka'
import type { PartitionBatch } from './call.ts'
import { createProduceEncoder, type ProduceArguments, type ProduceEncoder } from './produce-encoder.ts'

/**
 * The client's producer, except that it encodes the records of a Produce request by itself: the client's own encoding
 * makes some thirty objects a record and copies each payload several times, which cost more than all else that
 * publishing does. And what the client gets as one message is a whole batch, since it makes, groups and counts objects
 * for each message. Everything hard stays the client's: leaders, connections, producer id, when a batch gets a number
 * and when the same again, repeats, answers.
 *
 * The seam is kGetApi, which the client exports for its subclasses, and that the versions of an API only call
 * connection.send(). It is checked by test/sinks/kafka/batch-producer.test.ts for the pinned version of the client.
 */
export class BatchProducer extends Producer<Buffer, PartitionBatch> {
  readonly #encode = createProduceEncoder()

  override [kGetApi]<Arguments extends unknown[], Response>(
    name: string,
    callback: Callback<API<Arguments, Response>>
  ): void {
    super[kGetApi]<Arguments, Response>(name, (error, api) => {
      callback(error, name === 'Produce' && api !== undefined ? withOwnEncoding(api, this.#encode) : api)
    })
  }
}

/** The same version of the API, with the same parser of its answer; only what makes the request is another. */
function withOwnEncoding<Arguments extends unknown[], Response>(
  api: API<Arguments, Response>,
  encode: ProduceEncoder
): API<Arguments, Response> {
  const call = (connection: Connection, ...args: unknown[]): void => {
    const send: Connection['send'] = (key, version, _clientsOwn, ...rest) => {
      const createRequest = (): Writer => encode(version, args.slice(0, 4) as ProduceArguments)
      connection.send(key, version, createRequest, ...rest)
    }
    Reflect.apply(api, undefined, [{ send }, ...args])
  }
  return Object.assign(call, { async: api.async, key: api.key, version: api.version })
}
