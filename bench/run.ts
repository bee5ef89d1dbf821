/**
 * npm run bench: what an event costs, as a ratio to the least that any Node server must spend.
 *
 *   npm run bench                         every workload
 *   npm run bench -- W1 W2                these
 *   npm run bench -- --seconds 10 --rounds 5
 *
 * The subjects take turns within one run, so that a noisy machine is noisy for all of them. Every acked event is then
 * looked for: by the offsets of its topic, or by the server's own count for the log.
 */
import { parseArgs } from 'node:util'
import { startKafka } from '../test/support/kafka.ts'
import { topicOffsets } from '../test/support/kafka-topics.ts'
import type { ClientResult } from './client.ts'
import type { Driven } from './drive.ts'
import { drive } from './drive.ts'
import { printTable } from './table.ts'
import type { Row } from './table.ts'
import type { Subject } from './subjects.ts'
import type { Workload } from './workloads.ts'
import { WORKLOADS } from './workloads.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '4' }, rounds: { type: 'string', default: '3' } }
})
const seconds = Number(values.seconds)
const rounds = Number(values.rounds)

/** Throws when an event that was answered 200 is not where it should be. */
async function verify(subject: Subject, brokers: readonly string[], acked: number): Promise<void> {
  if (subject.adminUrl === undefined) return
  if (subject.topic !== undefined && !subject.name.includes('spool')) {
    const offsets = await topicOffsets(brokers, subject.topic)
    const stored = offsets.reduce((sum, { high, low }) => sum + high - low, 0)
    if (stored < acked) throw new Error(`${subject.name}: ${acked} events acked, ${stored} in Kafka`)
    return
  }
  const metrics = await (await fetch(`${subject.adminUrl}/metrics`)).text()
  const written = [...metrics.matchAll(/^tributary_published_records_total\{.*\} (\d+)$/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0
  )
  if (written < acked) throw new Error(`${subject.name}: ${acked} events acked, ${written} written`)
}

/** The resolution of the default metrics. */
const LOOK_MS = 10

async function eventLoopDelayMs(subject: Subject): Promise<number | undefined> {
  if (subject.adminUrl === undefined) return undefined
  const metrics = await (await fetch(`${subject.adminUrl}/metrics`)).text()
  const found = /^nodejs_eventloop_lag_p99_seconds (\S+)$/m.exec(metrics)
  // Node's histogram holds the time from look to look, which is 10 ms when nothing delays it.
  return found === null ? undefined : Number(found[1]) * 1000 - LOOK_MS
}

async function runWorkload(workload: Workload, brokers: readonly string[]): Promise<Row[]> {
  const subjects = await workload.subjects(brokers)
  const stopCompany = await workload.company?.(subjects)
  const acked = new Map<Subject, number>()
  const measured = new Map<Subject, Driven[]>()
  const note = (subject: Subject, result: ClientResult): void =>
    void acked.set(subject, (acked.get(subject) ?? 0) + result.events)
  for (const subject of subjects) note(subject, await drive(subject, workload, { seconds: 3 }))
  for (let round = 0; round < rounds; round++) {
    for (const subject of subjects) {
      const result = await drive(subject, workload, { seconds })
      note(subject, result)
      measured.set(subject, [...(measured.get(subject) ?? []), result])
    }
  }
  const rows: Row[] = []
  for (const subject of subjects) {
    const results = measured.get(subject) ?? []
    const best = Math.max(...results.map(({ requests, seconds }) => requests / seconds))
    const half = await drive(subject, workload, { seconds, rate: Math.floor(best / 2) })
    note(subject, half)
    rows.push({
      workload: workload.name,
      subject: subject.name,
      results,
      half,
      eventLoopMs: await eventLoopDelayMs(subject),
      peakRssMb: subject.process.peakRssBytes() / 1e6,
      readyMs: subject.readyMs
    })
    await verify(subject, brokers, acked.get(subject) ?? 0)
  }
  await stopCompany?.()
  for (const subject of subjects) await subject.stop()
  return rows
}

const kafka = await startKafka()
try {
  const wanted = positionals.length === 0 ? WORKLOADS : WORKLOADS.filter(({ id }) => positionals.includes(id))
  for (const workload of wanted) printTable(await runWorkload(workload, kafka.brokers))
} finally {
  await kafka.stop()
}
