/**
 * Removes what is about one user from a data folder, and kills itself with -9 before the n-th step: `erase-process.ts
 * DIR USER N`.
 */
import { eraseFromDataDir } from '../../src/durability/erase/erase-folder.ts'
import { aboutUsers } from '../../src/governance/forget/about-users.ts'

const [dataDir = '', user = '', killAt = '0'] = process.argv.slice(2)
let steps = 0

await eraseFromDataDir(dataDir, {
  erasure: aboutUsers([user]),
  onStep() {
    steps += 1
    if (steps === Number(killAt)) process.kill(process.pid, 'SIGKILL')
  }
})
process.stdout.write(String(steps))
