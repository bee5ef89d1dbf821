/** Requests to the debugger cost little for events that arrive at the same time. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { Agent, request as sendRequest } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import type { CrowdReport } from '../../support/admin-crowd.ts'
import { startAdminProcess } from '../../support/admin-server.ts'
import type { AdminServer } from '../../support/admin-server.ts'
import { basic } from '../../support/app.ts'

const CROWD = new URL('../../support/admin-crowd.ts', import.meta.url).pathname
/** docs/reliability.md names 1024. */
const LOG_MIB = Number(process.env['LOG_MIB'] ?? 128)
const SEGMENT_MIB = 128
const MIB = 1024 * 1024
const EVENTS_PER_SECOND = 60
const SLICE_MS = 1_000
const SLICES = 8
/** A full garbage collection can happen at any time. A real delay occurs each time. */
const ATTEMPTS = 3
/** A slice of background work, the step in progress at its end, the monitor's interval, and the garbage collector. */
const MOST_TURN_MS = 30

/** An event of 26 KB with new words. */
function largeEvent(): string {
  const items = Array.from({ length: 560 }, () => ({ id: randomUUID() }))
  return JSON.stringify({ userId: 'user-1', event: 'Order Completed', properties: { items } })
}

/** Segments as an earlier run of the server left them. */
function writeLog(dir: string, mib: number): void {
  mkdirSync(dir, { recursive: true })
  const context = { library: { name: 'analytics-python', version: '2.3.5' }, text: 'x'.repeat(600) }
  let number = 0
  for (let segment = 1; segment * SEGMENT_MIB <= Math.max(mib, SEGMENT_MIB); segment++) {
    const file = openSync(join(dir, `20261101T000000Z-${String(segment).padStart(8, '0')}.ndjson`), 'w')
    for (let written = 0; written < Math.min(mib, SEGMENT_MIB) * MIB;) {
      const lines = Array.from({ length: 1_000 }, () => ({ messageId: `logged-${number++}`, type: 'track', context }))
      written += writeSync(file, lines.map(line => `${JSON.stringify(line)}\n`).join(''))
    }
    closeSync(file)
  }
}

interface Sender {
  /** Milliseconds of each answer from now on. The returned function ends the measurement. */
  measure(ms: number): Promise<readonly number[]>
  stop(): void
}

/** Sends events at a steady rate, whatever their results are. */
function startSending(t: Test, url: string): Sender {
  const agent = new Agent({ keepAlive: true, maxSockets: 32 })
  let milliseconds: number[] = []
  let isStopped = false
  const send = (): void => {
    const start = performance.now()
    const headers = { authorization: basic(), 'content-type': 'application/json' }
    const request = sendRequest(`${url}/v1/track`, { method: 'POST', agent, headers }, response => {
      response.resume()
      response.on('end', () => milliseconds.push(performance.now() - start))
      if (response.statusCode !== 200) t.fail(`an event was answered ${response.statusCode}`)
    })
    request.on('error', error => isStopped || t.fail(error.message))
    request.end(largeEvent())
  }
  const timer = setInterval(send, 1000 / EVENTS_PER_SECOND)
  return {
    async measure(ms) {
      milliseconds = []
      await sleep(ms)
      return milliseconds
    },
    stop() {
      isStopped = true
      clearInterval(timer)
      agent.destroy()
    }
  }
}

async function tell(crowd: ChildProcess, word: 'start' | 'stop'): Promise<CrowdReport | undefined> {
  crowd.send(word)
  if (word === 'start') return undefined
  const [report] = (await once(crowd, 'message')) as [CrowdReport]
  return report
}

const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0

interface Compared {
  /** The p99 of events, in milliseconds. */
  readonly alone: number
  readonly beside: number
  readonly longestTurnMs: number
}

interface Around {
  readonly server: AdminServer
  readonly sender: Sender
  readonly crowd: ChildProcess
}

async function compare(t: Test, { server, sender, crowd }: Around): Promise<Compared> {
  const alone: number[] = []
  const beside: number[] = []
  let longestTurnMs = 0
  const sums = { lists: 0, listedEvents: 0, traces: 0, streamedBytes: 0 }
  for (let slice = 0; slice < SLICES; slice++) {
    alone.push(...(await sender.measure(SLICE_MS)))
    await server.usage()
    await tell(crowd, 'start')
    beside.push(...(await sender.measure(SLICE_MS)))
    const report = (await tell(crowd, 'stop')) as CrowdReport
    longestTurnMs = Math.max(longestTurnMs, (await server.usage()).longestTurnMs)
    t.strictSame(report.failures, [], 'all requests of the readers were answered')
    for (const name of Object.keys(sums) as (keyof typeof sums)[]) sums[name] += report[name]
    await sleep(100)
  }
  t.ok(sums.lists > 0 && sums.listedEvents > 0 && sums.streamedBytes > 0, JSON.stringify(sums))
  const words = (values: readonly number[]): string =>
    [0.5, 0.95, 0.99, 0.9999].map(share => percentile(values, share).toFixed(1)).join(', ')
  t.comment(`ms until the answer (p50, p95, p99, most): without readers ${words(alone)}; with readers ${words(beside)}`)
  t.comment(`the readers got ${JSON.stringify(sums)}`)
  return { alone: percentile(alone, 0.99), beside: percentile(beside, 0.99), longestTurnMs }
}

t.test(
  'Ten streams, every detail of a full memory and searches of the log block the event loop only for a moment, and every event is accepted',
  async t => {
    const dir = t.testdir()
    writeLog(join(dir, 'data/events'), LOG_MIB)
    const server = await startAdminProcess(t, { TEST_SINK: 'configured' }, dir)
    const crowd = fork(CROWD, [server.admin], { execArgv: [] })
    t.teardown(() => crowd.kill('SIGKILL'))
    await once(crowd, 'message')
    const sender = startSending(t, server.tracking)
    t.teardown(() => sender.stop())
    await sender.measure(6_000)
    let best = Infinity
    for (let attempt = 0; attempt < ATTEMPTS && best > MOST_TURN_MS; attempt++) {
      const { alone, beside, longestTurnMs } = await compare(t, { server, sender, crowd })
      t.comment(`the p99 is ${beside.toFixed(1)} ms, and ${alone.toFixed(1)} ms without readers`)
      best = Math.min(best, longestTurnMs)
    }
    sender.stop()
    t.ok(best <= MOST_TURN_MS, `the longest turn of the event loop took ${best.toFixed(1)} ms of CPU time`)
  }
)
