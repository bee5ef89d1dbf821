/**
 * A server in its own process, with a sink that resolves at once, so that only the server itself costs time. Reports
 * its addresses when it listens, and its usage on request. TEST_SINK=configured: uses the sink that the environment
 * names.
 */
import { pino } from 'pino'
import { createApp } from '../../src/app/compose.ts'
import { readEnvironment } from '../../src/config/env/environment.ts'
import type { Sink } from '../../src/model/sink.ts'

export interface Usage {
  readonly cpuMicroseconds: number
  readonly events: number
  /**
   * The longest turn of the event loop since the last request, in milliseconds of its thread's own CPU time, so that
   * other programs on the machine do not count. Its precision is the monitor's interval.
   */
  readonly longestTurnMs: number
}

const MONITOR_MS = 5

let events = 0
const sink: Sink = {
  async publish(records) {
    events += records.length
    return { marks: [], read: () => [{ store: 'memory' }], released: true }
  },
  health: () => ({ ready: true, problems: [] }),
  close: async () => undefined
}

const given = process.env['TEST_SINK'] === 'configured' ? {} : { sink }
const app = await createApp({ config: readEnvironment(), logger: pino({ level: 'silent' }), ...given })
const urls = await app.listen()
let longestTurnMs = 0
let before = threadMs()
setInterval(() => {
  const now = threadMs()
  longestTurnMs = Math.max(longestTurnMs, now - before)
  before = now
}, MONITOR_MS).unref()

function threadMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuMicroseconds: user + system, events, longestTurnMs } satisfies Usage)
  longestTurnMs = 0
})
process.on('disconnect', () => process.exit(0))
process.send?.(urls)
