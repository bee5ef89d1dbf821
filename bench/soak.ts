/**
 * npm run bench:soak: memory under full load, minute by minute, of the bare reference, and of the server to the log and
 * to Kafka, one after the other. `-- --minutes 5` sets the time for each, with single events on 64 connections;
 * `--batch` uses batches.
 */
import { parseArgs } from 'node:util'
import { setTimeout as sleep } from 'node:timers/promises'
import { drive } from './drive.ts'
import type { Subject } from './subjects.ts'
import { startBroker, startReference, startTributary } from './subjects.ts'
import { WORKLOADS } from './workloads.ts'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '5' }, batch: { type: 'boolean', default: false } }
})
const minutes = Number(values.minutes)
const workload = WORKLOADS.find(({ id }) => id === (values.batch ? 'W2' : 'W1'))
if (workload === undefined) throw new Error('there is no such workload')

const SAMPLE_MS = 5_000
const MEGA = 1e6

/** The slope in MB a minute, by least squares over samples at equal intervals. */
function slope(samples: readonly number[]): number {
  const middle = (samples.length - 1) / 2
  const mean = samples.reduce((sum, each) => sum + each, 0) / samples.length
  const products = samples.reduce((sum, each, at) => sum + (at - middle) * (each - mean), 0)
  const squares = samples.reduce((sum, _, at) => sum + (at - middle) ** 2, 0)
  return (products / squares) * (60_000 / SAMPLE_MS)
}

async function soak(subject: Subject): Promise<void> {
  const samples: number[] = []
  let running = true
  const sampling = (async () => {
    for (; running; await sleep(SAMPLE_MS)) samples.push(subject.process.rssBytes() / MEGA)
  })()
  const { events, seconds, errors } = await drive(subject, workload as NonNullable<typeof workload>, {
    seconds: minutes * 60
  })
  running = false
  await sampling
  // Before that, buffers and windows grow to the size that the load needs.
  const settled = samples.slice(Math.floor(samples.length / 2))
  const cells = [
    subject.name,
    (events / seconds).toFixed(0),
    String(errors),
    (subject.process.peakRssBytes() / MEGA).toFixed(0),
    settled.at(-1)?.toFixed(0),
    slope(settled).toFixed(1)
  ]
  process.stdout.write(`| ${cells.join(' | ')} |\n`)
  await subject.stop()
}

process.stdout.write(`\n### ${workload.name}, ${minutes} minutes at full load\n\n`)
process.stdout.write('| subject | events/s | errors | peak RSS MB | RSS at the end | MB a minute, second half |\n')
process.stdout.write('|---|---|---|---|---|---|\n')
const kafka = await startBroker()
try {
  await soak(await startReference('bare'))
  await soak(await startTributary({ name: 'tributary to the log', brokers: undefined }))
  await soak(await startTributary({ name: 'tributary to Kafka', brokers: kafka.brokers }))
} finally {
  await kafka.stop()
}
