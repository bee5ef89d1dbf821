import * as client from '@platformatic/kafka'
import { kGetBootstrapConnection, kGetConnection, kListApis, kMetadata, Producer } from '@platformatic/kafka'
import fc from 'fast-check'
import t from 'tap'
import { BatchProducer } from '../../../src/sinks/kafka/batch-producer.ts'
import { RecordSequences } from '../../../src/sinks/kafka/record-sequences.ts'
import { event, ours, theirs, type Sent } from '../../support/produce-twins.ts'

/** What a broker says to a produce request: all is stored, or one of the client's ways to go on. */
const ANSWERS = {
  stored: undefined,
  gone: () => new client.NetworkError('Connection closed'),
  moved: () => new client.ProtocolError('NOT_LEADER_OR_FOLLOWER'),
  forgotten: () => new client.ProtocolError('UNKNOWN_PRODUCER_ID'),
  gap: () => new client.ProtocolError('OUT_OF_ORDER_SEQUENCE_NUMBER'),
  refused: () => new client.ProtocolError('MESSAGE_TOO_LARGE')
} as const

type Answer = keyof typeof ANSWERS

interface Step {
  readonly sent: readonly Sent[]
  /** Of the requests that the step makes, in their order; then all is stored. */
  readonly answers: readonly Answer[]
}

const PARTITIONS = 4
const LEADERS = 2
const INIT_PRODUCER_ID = 22

const metadata = {
  topics: new Map(
    ['a', 'b'].map(topic => {
      const partitions = Array.from({ length: PARTITIONS }, (_, i) => ({ leader: i % LEADERS }))
      return [topic, { partitionsCount: PARTITIONS, partitions }]
    })
  ),
  brokers: new Map(Array.from({ length: LEADERS }, (_, i) => [i, { host: 'broker', port: i }]))
}

type AnyProducer = { send(options: { messages: readonly unknown[] }): Promise<unknown> }

/** Whole requests, with ids and numbers, as a producer of the kind makes them; 'failed' where a step is. */
async function requestsOf(
  Kind: typeof Producer | typeof BatchProducer,
  steps: readonly { readonly messages: readonly unknown[]; readonly answers: readonly Answer[] }[]
): Promise<(Buffer | 'failed')[]> {
  const requests: (Buffer | 'failed')[] = []
  let answers: Answer[] = []
  let ids = 0n
  const send = (...args: Parameters<client.Connection['send']>): void => {
    const [key, , createPayload, , , , callback] = args
    const answer = key === INIT_PRODUCER_ID ? undefined : ANSWERS[answers.shift() ?? 'stored']
    let response: unknown = { responses: [] }
    if (key === INIT_PRODUCER_ID) response = { producerId: ++ids, producerEpoch: 0 }
    else requests.push(Buffer.from((createPayload() as client.Writer).buffer))
    // Nothing but the pauses before a repeat takes time, so that both kinds meet the answers in the same order.
    queueMicrotask(() => callback(answer?.() ?? null, response))
  }
  const hand = (...args: unknown[]): void => (args.find(each => typeof each === 'function') as Hand)(null, { send })
  const common = { clientId: 'test', bootstrapBrokers: ['127.0.0.1:1'], idempotent: true, retries: 2, retryDelay: 1 }
  const producer = Object.assign(new Kind(common), {
    [kListApis]: (callback: client.Callback<unknown>) => callback(null, APIS),
    [kMetadata]: (_options: unknown, callback: client.Callback<unknown>) => callback(null, metadata),
    [kGetConnection]: hand,
    [kGetBootstrapConnection]: hand
  }) as unknown as AnyProducer
  for (const step of steps) {
    answers = [...step.answers]
    await producer.send({ messages: step.messages }).catch(() => requests.push('failed'))
  }
  return requests
}

type Hand = (error: null, connection: unknown) => void

const APIS = [
  { apiKey: 0, name: 'Produce', minVersion: 0, maxVersion: 11 },
  { apiKey: INIT_PRODUCER_ID, name: 'InitProducerId', minVersion: 0, maxVersion: 4 }
]

async function bothOf(steps: readonly Step[]) {
  const [own, reference] = await Promise.all([
    requestsOf(
      BatchProducer,
      steps.map(({ sent, answers }) => ({ messages: ours(sent), answers }))
    ),
    requestsOf(
      Producer,
      steps.map(({ sent, answers }) => ({ messages: sent.map(theirs), answers }))
    )
  ])
  return { own, reference }
}

const to = (topic: string, partition: number, records = 1): Sent[] =>
  Array.from({ length: records }, () => ({ record: event(), topic, partition }))

const histories: Readonly<Record<string, readonly Step[]>> = {
  'one after the other': [
    { sent: to('a', 0, 3), answers: [] },
    { sent: [...to('a', 0, 5), ...to('b', 1, 2)], answers: [] },
    { sent: [...to('b', 1), ...to('a', 0)], answers: [] }
  ],
  'repeated as it was': [
    { sent: to('a', 0, 3), answers: [] },
    { sent: to('a', 0, 2), answers: ['gone', 'moved', 'gone'] },
    { sent: to('a', 0), answers: [] }
  ],
  'a broker that forgot the producer, with another that did not': [
    { sent: [...to('a', 0, 3), ...to('a', 1, 4)], answers: [] },
    { sent: [...to('a', 0, 2), ...to('a', 1, 2)], answers: ['forgotten', 'gone'] },
    { sent: [...to('a', 0), ...to('a', 1, 3)], answers: ['stored', 'gap'] },
    { sent: [...to('a', 0), ...to('a', 1)], answers: [] }
  ],
  'refused, and begun anew': [
    { sent: to('a', 0, 3), answers: [] },
    { sent: to('a', 0, 2), answers: ['refused'] },
    { sent: to('a', 0, 2), answers: ['gone', 'gone', 'gone'] },
    { sent: to('a', 0, 7), answers: [] },
    { sent: to('a', 0), answers: [] }
  ],
  'a topic with fewer partitions than it had': [
    { sent: [...to('a', 5, 2), ...to('a', 1, 3)], answers: [] },
    { sent: [...to('a', 1, 2), ...to('a', 5), ...to('a', 9)], answers: ['gone'] },
    { sent: to('a', 1), answers: [] }
  ]
}

t.test('the numbers are those of the client that counts every record, whatever the brokers say', async t => {
  for (const [name, steps] of Object.entries(histories)) {
    const { own, reference } = await bothOf(steps)
    t.ok(own.length >= steps.length)
    t.strictSame(own, reference, name)
  }
})

t.test('and in any other history', async () => {
  const place = fc.record({ topic: fc.constantFrom('a', 'b'), partition: fc.nat(PARTITIONS - 1) })
  const step = fc.record({
    sent: fc.array(
      place.map(at => ({ ...at, record: event() })),
      { minLength: 1, maxLength: 12 }
    ),
    answers: fc.array(fc.constantFrom(...(Object.keys(ANSWERS) as Answer[])), { maxLength: 4 })
  })
  const isSame = async (steps: readonly Step[]): Promise<boolean> => {
    const { own, reference } = await bothOf(steps)
    return own.length === reference.length && own.every((each, i) => equal(each, reference[i]))
  }
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), isSame))
})

function equal(one: Buffer | 'failed', other: Buffer | 'failed' | undefined): boolean {
  return typeof one === 'string' || typeof other !== 'object' ? one === other : one.equals(other)
}

t.test('a number that does not follow fails the request before it is sent, and is not tried again', async t => {
  const batch = { producerId: 1n, producerEpoch: 0, number: 0, messages: 1, records: 10 }
  const wrong = [
    { number: 2 },
    { number: 0, records: 9 },
    { number: 0, messages: 2 },
    { number: undefined },
    { number: 1, producerId: 2n },
    { number: 1, producerEpoch: 1 },
    { number: undefined, producerId: undefined }
  ]
  const sequences = new RecordSequences()
  t.equal(sequences.firstOf('a:0', batch), 0)
  for (const parts of wrong) {
    t.throws(() => sequences.firstOf('a:0', { ...batch, ...parts }), { code: 'PLT_KFK_USER', canRetry: false })
  }
  t.throws(() => sequences.firstOf('a:1', { ...batch, number: 1 }), { message: /does not follow batch none/ })
  t.equal(sequences.firstOf('a:0', batch), 0)
  t.equal(sequences.firstOf('a:0', { ...batch, number: 1 }), 10)
})
