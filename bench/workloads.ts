import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { BodyTemplate } from './bodies.ts'
import { batchBody, browserBody, mixedBody, singleBody } from './bodies.ts'
import type { Subject } from './subjects.ts'
import { startPipeline, startReference, startRust, startTributary } from './subjects.ts'

export interface Workload {
  readonly id: string
  readonly name: string
  readonly path: string
  readonly body: BodyTemplate
  readonly gzip?: boolean
  readonly connections: number
  /** The subjects; the first is the reference of the ratios. */
  subjects(brokers: readonly string[]): Promise<Subject[]>
  /** Starts other clients that keep connections open during the run. The returned function ends them. */
  company?(subjects: readonly Subject[]): Promise<() => Promise<void>>
}

async function everybody(brokers: readonly string[]): Promise<Subject[]> {
  return [
    await startReference('bare'),
    await startReference('fastify'),
    await startTributary({ name: 'tributary to the log', brokers: undefined }),
    await startTributary({ name: 'tributary to Kafka', brokers })
  ]
}

/** All subjects, and the costs of storing alone. */
async function everybodyAndFloors(brokers: readonly string[]): Promise<Subject[]> {
  return [
    ...(await everybody(brokers)),
    await startReference('bare', 'fsync'),
    await startReference('fastify', 'fsync'),
    await startPipeline(),
    await startReference('bare', brokers),
    await startReference('fastify', brokers),
    await startPipeline(brokers),
    ...(await rust(brokers))
  ]
}

/** Empty without Rust. */
async function rust(brokers: readonly string[]): Promise<Subject[]> {
  const subject = await startRust(brokers)
  return subject === undefined ? [] : [subject]
}

/** The same for batches whose events are stored as separate records, and the cost if each batch were one record. */
async function everybodyAndBatchFloors(brokers: readonly string[]): Promise<Subject[]> {
  return [
    ...(await everybody(brokers)),
    await startReference('bare', 'fsync'),
    await startPipeline(),
    await startReference('bare', brokers),
    await startPipeline(brokers),
    ...(await rust(brokers)),
    await startReference('bare', 'fsync', 'bodies'),
    await startReference('bare', brokers, 'bodies')
  ]
}

/** Calls as the recorded SDKs send them. */
function sampleCalls(): object[] {
  const folder = new URL('../test/contract/samples/', import.meta.url)
  return readdirSync(folder).flatMap(name => {
    const sample = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as {
      requests?: { body?: { batch?: object[] } }[]
    }
    const calls = (sample.requests ?? []).flatMap(({ body }) => body?.batch ?? [])
    return calls.filter(call => typeof (call as { groupId?: unknown }).groupId !== 'number')
  })
}

const TEN_SOURCES = `sources:
${Array.from({ length: 10 }, (_, i) => `  - id: s${i}\n    writeKeys: [${i === 0 ? 'wk_bench' : `wk_${i}`}]\n`).join('')}destinations:
  - { name: A, topic: bench-a }
  - { name: B, topic: bench-b, types: [track] }
  - { name: C, topic: bench-c, types: [page] }
`

/** The part of W6 that repeats W1, to compare both at the same time. */
const LEFT_ALONE = 'tributary to Kafka, without them'

/** As many events as fit into 500 KB. */
const LARGEST_BATCH_EVENTS = 485

const single = { path: '/v1/track', body: singleBody(), connections: 64, subjects: everybody }
const batch = { path: '/v1/batch', body: batchBody(100), connections: 16, subjects: everybody }

export const WORKLOADS: readonly Workload[] = [
  { id: 'W1', name: 'W1: single track of 1 KB, 64 connections', ...single, subjects: everybodyAndFloors },
  { id: 'W2', name: 'W2: batch of 100, 16 connections', ...batch, subjects: everybodyAndBatchFloors },
  { id: 'W3', name: 'W3: W2 gzipped', ...batch, gzip: true, subjects: withoutReferencesThatCannotInflate },
  { id: 'W4', name: 'W4: mixed calls of the recorded SDKs', ...batch, body: mixedBody(sampleCalls()) },
  {
    id: 'W5',
    name: 'W5: W1 with 10 sources and 3 destinations (3 records an event)',
    ...single,
    subjects: async brokers => [
      await startReference('bare'),
      await startTributary({ name: 'tributary to Kafka', brokers }),
      await startTributary({ name: 'tributary to Kafka, 3 destinations', brokers, config: TEN_SOURCES })
    ]
  },
  {
    id: 'W6',
    name: 'W6: W1 while 1,000 idle and 200 slow clients hang on',
    ...single,
    subjects: async brokers => [
      await startReference('bare'),
      await startTributary({ name: LEFT_ALONE, brokers }),
      await startTributary({ name: 'tributary to Kafka', brokers })
    ],
    company: subjects => hangOn(subjects.filter(({ name }) => name !== LEFT_ALONE))
  },
  {
    id: 'W8',
    name: 'W8: the largest legal batches (500 KB), 16 connections',
    ...batch,
    body: batchBody(LARGEST_BATCH_EVENTS)
  },
  {
    id: 'W9',
    name: 'W9: batches of 100 calls of browsers, each with a context of its own',
    ...batch,
    body: browserBody(100)
  },
  {
    id: 'W7',
    name: 'W7: W2 while Kafka is away',
    ...batch,
    subjects: async () => [
      await startReference('bare'),
      await startTributary({ name: 'tributary to the spool', brokers: ['127.0.0.1:1'] })
    ]
  }
]

/** The references do not inflate, so W3 is compared with W2 of the same server. */
async function withoutReferencesThatCannotInflate(brokers: readonly string[]): Promise<Subject[]> {
  return [
    await startTributary({ name: 'tributary to the log', brokers: undefined }),
    await startTributary({ name: 'tributary to Kafka', brokers })
  ]
}

const IDLE_CLIENTS = 1_000
const SLOW_CLIENTS = 200

async function hangOn(subjects: readonly Subject[]): Promise<() => Promise<void>> {
  const head =
    'POST /v1/track HTTP/1.1\r\nhost: x\r\nauthorization: Basic d2tfYmVuY2g6\r\ncontent-length: 30000\r\n\r\n'
  const sockets = subjects.flatMap(({ port }) =>
    Array.from({ length: IDLE_CLIENTS + SLOW_CLIENTS }, (_, i) => {
      const open = () => {
        const socket = connect({ port, host: '127.0.0.1' })
        socket.on('error', () => undefined)
        if (i < SLOW_CLIENTS) socket.write(head)
        return socket
      }
      return { slow: i < SLOW_CLIENTS, open, socket: open() }
    })
  )
  // A slow client reconnects when the server has ended it, as real clients do.
  const timer = setInterval(() => {
    for (const each of sockets) {
      if (!each.slow) continue
      if (each.socket.destroyed) each.socket = each.open()
      else each.socket.write(' ')
    }
  }, 1_000)
  return async () => {
    clearInterval(timer)
    for (const { socket } of sockets) socket.destroy()
  }
}
