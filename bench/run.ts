/**
 * npm run bench: what an event costs, as a ratio to the least that any Node server must spend.
 *
 *   npm run bench                         every workload
 *   npm run bench -- W1 W2                these
 *   npm run bench -- --seconds 5 --rounds 20
 *   npm run bench -- W1 --against ../older      Tributary alone, in turns with the server of another checkout
 *
 * The subjects take turns within one run, so that a noisy machine is noisy for all of them. Every acked event is then
 * looked for: by the offsets of its topic, or by the server's own count for the log.
 */
import { parseArgs } from 'node:util'
import { topicOffsets } from '../test/support/kafka-topics.ts'
import type { ClientResult } from './client.ts'
import { drive } from './drive.ts'
import type { Subject } from './subjects.ts'
import { startBroker } from './subjects.ts'
import { printTable } from './table.ts'
import type { Memory, Row } from './table.ts'
import type { Workload } from './workloads.ts'
import { WORKLOADS } from './workloads.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '9' },
    against: { type: 'string' }
  }
})
const seconds = Number(values.seconds)
const rounds = Number(values.rounds)

/**
 * Time for code to be compiled and for the windows of messageIds to grow: both are done on a server that runs for days.
 * The cost of an event in this time is the cold figure.
 */
const WARM_UP_SECONDS = 10

/** For the latencies at half rate. The load program ignores the first second of each round. */
const HALF_RATE = { seconds: 3, rounds: 5 }

/** Throws if an event that was answered 200 is missing. */
async function verify(subject: Subject, brokers: readonly string[], acked: number): Promise<void> {
  if (subject.topic !== undefined && !subject.name.includes('spool')) {
    const offsets = await topicOffsets(brokers, subject.topic)
    const stored = offsets.reduce((sum, { high, low }) => sum + high - low, 0)
    if (stored < acked) throw new Error(`${subject.name}: ${acked} events acked, ${stored} in Kafka`)
    return
  }
  if (subject.adminUrl === undefined) return
  const metrics = await (await fetch(`${subject.adminUrl}/metrics`)).text()
  const written = [...metrics.matchAll(/^tributary_published_records_total\{.*\} (\d+)$/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0
  )
  if (written < acked) throw new Error(`${subject.name}: ${acked} events acked, ${written} written`)
}

/** The memory that a subject uses now, by kind if the subject reports that. */
async function memoryOf(subject: Subject): Promise<Memory> {
  const rssMb = subject.process.rssBytes() / 1e6
  if (subject.adminUrl === undefined) return { rssMb, kinds: [] }
  const metrics = await (await fetch(`${subject.adminUrl}/metrics`)).text()
  const spaces = [...metrics.matchAll(/^nodejs_heap_space_size_total_bytes\{space="(\w+)"\} (\S+)$/gm)]
  const external = /^nodejs_external_memory_bytes (\S+)$/m.exec(metrics)
  const kinds = [...spaces.map(([, space, bytes]) => [space, bytes]), ['external', external?.[1]]]
  return { rssMb, kinds: kinds.map(([kind, bytes]) => ({ kind: String(kind), mb: Number(bytes) / 1e6 })) }
}

/** The resolution of the default metrics. */
const LOOK_MS = 10

/** NaN for the references. */
async function eventLoopDelayMs(subject: Subject): Promise<number> {
  if (subject.adminUrl === undefined) return Number.NaN
  const metrics = await (await fetch(`${subject.adminUrl}/metrics`)).text()
  const found = /^nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec(metrics)
  // Node's histogram has the time between two checks, which is 10 ms without a delay.
  return Number(found?.[1]) * 1000 - LOOK_MS
}

/** The subjects of a workload. With `--against`: the bare reference, and each Tributary beside the other checkout's. */
async function subjectsOf(workload: Workload, brokers: readonly string[]): Promise<Subject[]> {
  const [reference, ...others] = await workload.subjects(brokers)
  if (reference === undefined) return []
  if (values.against === undefined) return [reference, ...others]
  const pairs = [reference]
  for (const subject of others) {
    if (subject.twin === undefined) await subject.stop()
    else pairs.push(subject, await subject.twin(values.against))
  }
  return pairs
}

async function runWorkload(workload: Workload, brokers: readonly string[]): Promise<Row[]> {
  const subjects = await subjectsOf(workload, brokers)
  const stopCompany = await workload.company?.(subjects)
  const rows = new Map<Subject, Row>()
  for (const subject of subjects) {
    const { name, readyMs } = subject
    rows.set(subject, {
      workload: workload.name,
      subject: name,
      results: [],
      halves: [],
      eventLoopMs: [],
      cold: Number.NaN,
      peakRssMb: 0,
      memory: undefined,
      readyMs
    })
  }
  const warm = new Map<Subject, ClientResult>()
  for (const [subject, row] of rows) {
    const first = await drive(subject, workload, { seconds: WARM_UP_SECONDS })
    warm.set(subject, first)
    row.cold = first.cpu / first.events
  }
  for (let round = 0; round < rounds; round++) {
    for (const [subject, row] of rows) {
      // Reading resets the values, so each covers the time since the last reading.
      await eventLoopDelayMs(subject)
      row.results.push(await drive(subject, workload, { seconds }))
      row.eventLoopMs.push(await eventLoopDelayMs(subject))
    }
  }
  for (let round = 0; round < HALF_RATE.rounds; round++) {
    for (const [subject, row] of rows) {
      const best = Math.max(...row.results.map(({ requests, seconds }) => requests / seconds))
      row.halves.push(await drive(subject, workload, { seconds: HALF_RATE.seconds, rate: Math.floor(best / 2) }))
    }
  }
  for (const [subject, row] of rows) {
    row.peakRssMb = subject.process.peakRssBytes() / 1e6
    row.memory = await memoryOf(subject)
    const driven = [warm.get(subject), ...row.results, ...row.halves]
    const acked = driven.reduce((sum, result) => sum + (result?.events ?? 0), 0)
    await verify(subject, brokers, acked)
  }
  await stopCompany?.()
  for (const subject of subjects) await subject.stop()
  return [...rows.values()]
}

const kafka = await startBroker()
try {
  const wanted = positionals.length === 0 ? WORKLOADS : WORKLOADS.filter(({ id }) => positionals.includes(id))
  for (const workload of wanted) printTable(await runWorkload(workload, kafka.brokers))
} finally {
  await kafka.stop()
}
