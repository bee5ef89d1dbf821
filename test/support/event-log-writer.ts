/**
 * A process that appends to an event log until it is killed: `node event-log-writer.ts DIR FIRST [PADDING]`. It writes
 * `pid 4711` to standard output, then a line for each append that settled, `acked 17` or `refused 18`, and `ready` or
 * `not ready` when that changes. A crash of any kind is visible as an exit code.
 */
import { writeSync } from 'node:fs'
import { systemClock } from '../../src/model/clock.ts'
import { isSinkUnavailable } from '../../src/model/sink.ts'
import { openSegmentLog } from '../../src/durability/log/write/segment-log.ts'
import { lineOf, linesFrom } from './event-log.ts'

const [dir = '', first = '0', padding = '100'] = process.argv.slice(2)
const CONCURRENCY = 8
let id = Number(first)

function say(text: string): void {
  try {
    writeSync(1, `${text}\n`)
  } catch {
    process.kill(process.pid, 'SIGTERM') // nobody reads the output any more
  }
}

say(`pid ${process.pid}`)
const log = await openSegmentLog({
  dir,
  clock: systemClock,
  log: { info: () => undefined, warn: () => undefined, error: (_, message) => say(`error ${message}`) },
  maxSegmentBytes: 200_000
})
let wasReady = false

async function appendForEver(): Promise<void> {
  for (;;) {
    const mine = id++
    try {
      await log.append(linesFrom([lineOf(mine, Number(padding))]))
      say(`acked ${mine}`)
      await new Promise(resolve => setTimeout(resolve, 1))
    } catch (error) {
      if (!isSinkUnavailable(error)) throw error
      say(`refused ${mine}`)
      await new Promise(resolve => setTimeout(resolve, 20))
    }
    const { ready } = log.health()
    if (ready !== wasReady) say(ready ? 'ready' : 'not ready')
    wasReady = ready
  }
}

await Promise.all(Array.from({ length: CONCURRENCY }, appendForEver))
