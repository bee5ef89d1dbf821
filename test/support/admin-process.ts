/**
 * A server in a process of its own, with a sink that is always done, so that nothing but the server itself costs time.
 * Tells its addresses when it listens, and its usage whenever it is asked. TEST_SINK=configured: with the sink that the
 * environment names instead.
 */
import { pino } from 'pino'
import { createApp } from '../../src/app/compose.ts'
import { readEnvironment } from '../../src/config/env/environment.ts'
import type { Sink } from '../../src/model/sink.ts'

export interface Usage {
  readonly cpuMicroseconds: number
  readonly events: number
  /**
   * The longest that the event loop worked without looking up since it was last asked, in milliseconds of its thread's own
   * CPU time: what other programs do on the machine is not in it. Exact to the monitor's pause.
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
