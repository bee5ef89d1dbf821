import * as client from '@platformatic/kafka'
import { kListApis, NumericMap } from '@platformatic/kafka'
import fc from 'fast-check'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import t from 'tap'
import { ClusterClient } from '../../../../src/durability/kafka/connect/cluster-client.ts'
import { createRecordEncoder } from '../../../../src/durability/kafka/encode/message.ts'
import { createProduceEncoder } from '../../../../src/durability/kafka/encode/produce-encoder.ts'
import { encodeBatch } from '../../../../src/durability/kafka/encode/record-batch.ts'
import { Scratch } from '../../../../src/durability/kafka/encode/scratch.ts'
import { at, encode, event, ours, recordOf, theirs, type Placed, type Sent } from '../../../support/produce-twins.ts'
import { testRecord } from '../../../support/records.ts'

/** Every version of the Produce API that this version of the client speaks. */
const apis = new Map(
  Object.entries(client).flatMap(([name, api]) => {
    const version = /^produceV(\d+)$/.exec(name)?.[1]
    return version === undefined ? [] : [[Number(version), api as typeof client.produceV11] as const]
  })
)

const identity = { producerId: 4_711n, producerEpoch: 3 }

/** The state of a producer that has sent nothing yet. */
function stateOf(messages: readonly Placed[]) {
  const sequences = new NumericMap(messages.map(({ topic, partition }) => [`${topic}:${partition}`, 0] as const))
  return { ...identity, sequences }
}

function isSame(version: number, sent: readonly Sent[]): boolean {
  const batches = ours(sent, identity)
  const own = createProduceEncoder()(version, { acks: -1, timeoutMs: 2_500, batches }).buffer
  const options = { ...stateOf(batches), compression: 'none' } as const
  const reference = apis.get(version)?.createRequest(-1, 2_500, sent.map(theirs), options).buffer
  return reference !== undefined && own.equals(reference)
}

const rejectedOf = (line: string) =>
  testRecord({ kind: 'rejected', code: 'invalid_json', line: Buffer.from(line), source: 'iOS ü', receivedAt: at + 1 })
const rejected = rejectedOf('{"event":null}\n')

const cases: Readonly<Record<string, readonly Sent[]>> = {
  'one record': [{ record: event(), topic: 'a', partition: 0 }],
  'several topics and partitions, mixed': [
    { record: event(), topic: 'b', partition: 7 },
    { record: event({ receivedAt: at + 5 }), topic: '10', partition: 1 },
    { record: event({ receivedAt: at + 70 }), topic: 'b', partition: 1 },
    { record: event({ receivedAt: at - 90 }), topic: 'b', partition: 7 },
    { record: rejected, topic: '9', partition: 100 },
    { record: event({ receivedAt: at + 9_000 }), topic: 'b', partition: 1 }
  ],
  'no key, no id, nothing but a line feed': [
    { record: event({ key: '', messageId: '' }), topic: 'a', partition: 0 },
    { record: rejectedOf('\n'), topic: 'a', partition: 0 }
  ],
  'text of every width, and half a surrogate': ['Zoë', '用户', '👩‍🚀', '\ud800', 'x\udfff', '\u0000', 'ÿ', '\u007f'].map(
    text => ({ record: event({ key: text, messageId: text, properties: text }), topic: `t${text}`, partition: 2 })
  ),
  'times weeks apart, both ways': [0, -1, 1, 2 ** 31 - 1, -(2 ** 31), 63, -64, -65, 64].map(distance => ({
    record: event({ receivedAt: at + distance }),
    topic: 'a',
    partition: 0
  })),
  'records without a time': [event(), event({ receivedAt: at + 3 }), rejected].map(record => ({
    record,
    topic: 'a',
    partition: 0,
    timeless: true
  })),
  'lengths around every step of a varint': [63, 64, 8_191, 8_192, 1_048_575, 1_048_576].flatMap(size =>
    [-70, -3, -2, -1, 0, 1, 2].map(by => ({
      record: testRecord({
        line: Buffer.alloc(size + by + 71, 'x'),
        key: 'k'.repeat(Math.max(size + by, 0) % 9_000),
        messageId: 'm',
        receivedAt: at
      }),
      topic: 'a',
      partition: by & 1
    }))
  ),
  'more records than a byte, or two, can count': Array.from({ length: 9_000 }, (_, i) => ({
    record: event({ messageId: `m${i}`, receivedAt: at + i }),
    topic: 'a',
    partition: 0
  }))
}

t.test('the encoder knows the requests of all versions that the client uses', async t => {
  t.strictSame(
    [...apis.keys()].toSorted((a, b) => a - b),
    [3, 4, 5, 6, 7, 8, 9, 10, 11]
  )
})

t.test("a request equals the client's byte for byte, in every version", async t => {
  for (const [name, sent] of Object.entries(cases)) {
    for (const version of apis.keys())
      t.ok(isSame(version, sent), `${name}: the requests of version ${version} are equal`)
  }
})

t.test("any request equals the client's byte for byte", async () => {
  const text = fc.string({ unit: 'binary', maxLength: 80 })
  const sent = fc.record({
    record: fc
      .record({ key: text, messageId: text, properties: text, receivedAt: fc.integer({ min: at, max: at + 2 ** 31 }) })
      .map(parts => event(parts)),
    topic: fc.constantFrom('a', 'b', '1', '__proto__'),
    partition: fc.nat(8)
  })
  fc.assert(fc.property(fc.constantFrom(...apis.keys()), fc.array(sent, { minLength: 1 }), isSame))
})

t.test('timestamps more than 25 days apart are right, where the client writes wrong ones', async t => {
  const times = [at, at - 2 ** 31 - 1, at + 2 ** 31, at + 2 ** 32 + 5, at + 2 ** 40, 0, 1, at * 3, -1]
  const sent = times.map(receivedAt => ({ record: event({ receivedAt }), topic: 'a', partition: 0 }))
  const origin = { producerId: -1n, producerEpoch: 0, firstSequence: 0 }
  const batch = encodeBatch(sent.map(recordOf), origin, { scratch: new Scratch() })
  const { firstTimestamp, maxTimestamp, records } = client.readRecordsBatch(client.Reader.from(batch))
  t.strictSame(
    records.map(({ timestampDelta }) => Number(firstTimestamp + timestampDelta)),
    times
  )
  t.equal(maxTimestamp, BigInt(at * 3))
  t.notOk(isSame(11, sent), 'the client still writes wrong timestamps; delete this test when it does not')
})

t.test('the producer id, epoch and first sequence number of a batch are written as the client writes them', async t => {
  const sent = [{ record: event(), topic: 'a', partition: 0 }]
  for (const firstSequence of [1, 128, 2_000_000_000]) {
    const own = encodeBatch(sent.map(recordOf), { ...identity, firstSequence }, { scratch: new Scratch() })
    const options = { ...identity, sequences: new NumericMap([['a:0', firstSequence]]) }
    t.ok(own.equals(client.createRecordsBatch(sent.map(theirs), options).buffer))
  }
})

t.test("the size of a record is the client's size of a batch with only this record", async t => {
  const records = Object.values(cases).flatMap(sent => sent.map(({ record }) => record))
  for (const record of records.slice(0, 200)) {
    const { length } = client.createRecordsBatch([theirs({ record, topic: 'a', partition: 0 })])
    t.equal(encode(record).bytes, length)
  }
})

t.test('headers stay right if there are more sources than are cached', async t => {
  const many = createRecordEncoder()
  for (let i = 0; i < 10_001; i++) many({ ...event(), source: `s${i}` })
  t.strictSame(many(rejected), encode(rejected))
})

t.test(
  'for each version, a request goes to the connection as the client sends it, and its answer is read in the same way',
  async t => {
    const sent = cases['several topics and partitions, mixed'] as readonly Sent[]
    for (const [version, api] of apis) {
      const produce = await clientOf(version).produceWith(createProduceEncoder())
      const own = await callOf(to => void produce(to, { acks: -1, timeoutMs: 2_500, batches: ours(sent, identity) }))
      const messages = sent.map(theirs)
      const reference = await callOf(to =>
        (api.api as unknown as AnyApi)(to, -1, 2_500, messages, stateOf(messages), () => undefined)
      )
      const [[key, spoken, createOwn, ...rest], [theirKey, theirVersion, createTheirs, ...theirRest]] = [own, reference]
      t.strictSame([key, spoken], [theirKey, theirVersion])
      t.ok(
        rest.slice(0, 3).every((argument, i) => argument === theirRest[i]),
        'the parser and the kinds of the headers are equal'
      )
      t.ok(
        (createOwn() as client.Writer).buffer.equals((createTheirs() as client.Writer).buffer),
        `the requests of version ${version} are equal`
      )
    }
  }
)

t.test('an answer with an error is an answer, and a lost connection is not', async t => {
  const produce = await clientOf(11).produceWith(createProduceEncoder())
  const request = { acks: -1, timeoutMs: 2_500, batches: [] }
  const response = { responses: [{ name: 'a', partitionResponses: [{ index: 0, errorCode: 19, baseOffset: -1n }] }] }
  const refused = new client.ResponseError(0, 11, { '/responses/0/partition_responses/0': [19, null] }, response)
  t.equal(await produce(answering(refused), request), response)
  await t.rejects(produce(answering(new client.NetworkError('Connection closed')), request), /closed/)
})

t.test(
  'the client has copied a request when its connection.send() returns, so the next one is built in the same memory',
  async t => {
    const broker = createServer({ pauseOnConnect: true })
    const connected = once(broker, 'connection') as Promise<[Socket]>
    broker.listen(0, '127.0.0.1')
    await once(broker, 'listening')
    const connection = new client.Connection('test')
    await connection.connect('127.0.0.1', (broker.address() as AddressInfo).port)
    const [socket] = await connected
    t.teardown(() => {
      connection.socket.destroy()
      broker.close()
    })

    // Larger than the system's buffers, so that the socket still holds the first request while the second is built.
    const requests = ['1', '2', '3', '4', '5'].map(letter => {
      const line = Buffer.alloc(2_000_000, letter)
      return [
        { record: testRecord({ line, messageId: 'm', key: 'user-1', receivedAt: at }), topic: letter, partition: 0 }
      ]
    })
    const produce = await clientOf(11).produceWith(createProduceEncoder())
    for (const sent of requests) {
      produce(connection, { acks: -1, timeoutMs: 2_500, batches: ours(sent, identity) }).catch(() => undefined)
    }
    const expected = requests.map(sent => {
      const messages = sent.map(theirs)
      return client.produceV11.createRequest(-1, 2_500, messages, stateOf(messages)).buffer
    })
    const received = await read(
      socket,
      expected.reduce((sum, { length }) => sum + length, 0)
    )
    t.ok(expected.every(request => received.includes(request)))
  }
)

/** Reads until this many bytes have arrived, and a little more if there is more. */
async function read(socket: Socket, bytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= bytes + 5 * REQUEST_HEAD_BYTES) break
  }
  return Buffer.concat(chunks)
}

/** Length, key, version, correlation id, the client's id `test` and an empty list of tags. */
const REQUEST_HEAD_BYTES = 4 + 2 + 2 + 4 + (2 + 4) + 1

type AnyApi = (connection: client.Connection, ...args: unknown[]) => void
type SendArguments = Parameters<client.Connection['send']>
/** A client whose brokers speak this version of the Produce API. */
function clientOf(version: number): ClusterClient {
  const own = new ClusterClient({ clientId: 'test', bootstrapBrokers: ['127.0.0.1:1'] })
  const api = { apiKey: 0, name: 'Produce', minVersion: 0, maxVersion: version }
  return Object.assign(own, { [kListApis]: (callback: client.Callback<unknown>) => callback(null, [api]) })
}

/** The requests to a connection. */
function callOf(send: (to: client.Connection) => void): Promise<SendArguments> {
  const { promise, resolve } = Promise.withResolvers<SendArguments>()
  send({ send: (...args: SendArguments) => resolve(args) } as unknown as client.Connection)
  return promise
}

function answering(error: Error): client.Connection {
  const send = (...args: SendArguments): void => args[6](error, undefined)
  return { send } as unknown as client.Connection
}
