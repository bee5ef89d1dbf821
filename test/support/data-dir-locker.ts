/**
 * A process that locks a data folder and keeps the lock until it is killed: `node data-dir-locker.ts DIR [START]`. It
 * waits for the wall-clock time START, so that many begin at once, then prints `locked` or the error's code.
 */
import { lockDataDir } from '../../src/durability/data-dir-lock.ts'

const [dir = '', start = '0'] = process.argv.slice(2)
await new Promise(resolve => setTimeout(resolve, Math.max(1, Number(start) - Date.now())))
try {
  await lockDataDir(dir)
  process.stdout.write('locked\n')
  setInterval(() => undefined, 60_000)
} catch (error) {
  process.stdout.write(`${(error as { code?: string }).code ?? String(error)}\n`)
}
