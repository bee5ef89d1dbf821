/**
 * A server in a process of its own, with a sink that is always done, so that nothing but the server itself costs time.
 * Tells its addresses when it listens, and its CPU time and events whenever it is asked.
 */
import { pino } from 'pino'
import { createApp } from '../../src/app.ts'
import { readEnvironment } from '../../src/config/environment.ts'
import type { Sink } from '../../src/model/sink.ts'

export interface Usage {
  readonly cpuMicroseconds: number
  readonly events: number
}

let events = 0
const sink: Sink = {
  async publish(records) {
    events += records.length
    return { marks: [], read: () => [{ store: 'memory' }], released: true }
  },
  health: () => ({ ready: true, problems: [] }),
  close: async () => undefined
}

const app = await createApp({ config: readEnvironment(), logger: pino({ level: 'silent' }), sink })
const urls = await app.listen()
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuMicroseconds: user + system, events } satisfies Usage)
})
process.on('disconnect', () => process.exit(0))
process.send?.(urls)
