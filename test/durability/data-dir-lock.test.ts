import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { lockDataDir } from '../../src/durability/data-dir-lock.ts'
import { failureOf } from '../support/event-log.ts'

const LOCKER = join(import.meta.dirname, '../support/data-dir-locker.ts')

interface Locker {
  readonly child: ChildProcess
  readonly answer: Promise<string>
  readonly ended: Promise<unknown>
}

function startLocker(t: Test, dir: string, start = 0, under: readonly string[] = []): Locker {
  const args = [...under, 'env', '-u', 'NODE_OPTIONS', process.execPath, LOCKER, dir, String(start)]
  const child = spawn(args[0] ?? '', args.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise(resolve => child.once('close', resolve))
  t.teardown(() => child.kill('SIGKILL'))
  const answer = new Promise<string>(resolve => {
    child.stdout.setEncoding('utf8').once('data', (text: string) => resolve(text.trim()))
    void ended.then(() => resolve('ended without a word'))
  })
  return { child, answer, ended }
}

t.test(
  'a second lock on the same folder is refused with one line that names it, until the first is released',
  async t => {
    const dir = join(t.testdir(), 'data')
    const first = await lockDataDir(dir)
    const refused = await failureOf(lockDataDir(dir))
    const owner = `another server (process ${process.pid} on ${hostname()})`
    t.match(refused, { code: 'DATA_DIR_IN_USE', message: `data folder ${dir} is in use by ${owner}: stop that one` })
    t.notMatch(refused?.message, '\n')
    await first.release()
    await first.release()
    const second = await lockDataDir(dir)
    t.match(await failureOf(lockDataDir(dir)), { code: 'DATA_DIR_IN_USE' })
    await second.release()
  }
)

t.test(
  'another process is refused, and gets the lock at once after the first was killed with -9, ten times',
  async t => {
    const dir = t.testdir()
    let owner = startLocker(t, dir)
    t.equal(await owner.answer, 'locked')
    for (let life = 0; life < 10; life += 1) {
      const own = await failureOf(lockDataDir(dir))
      owner.child.kill('SIGKILL')
      await owner.ended
      const mine = await lockDataDir(dir)
      const other = await startLocker(t, dir).answer
      await mine.release()
      owner = startLocker(t, dir)
      t.match([own, other, await owner.answer], [{ code: 'DATA_DIR_IN_USE' }, 'DATA_DIR_IN_USE', 'locked'])
    }
    t.equal(readdirSync(join(dir, 'lock')).length, 1, 'the folder holds one file')
  }
)

t.test('if many processes start at once on the lock of a dead process, exactly one wins, every time', async t => {
  const dir = mkdtempSync(join(tmpdir(), 'tributary-lock-')) // short enough to need no detour to the socket
  t.teardown(() => rmSync(dir, { recursive: true }))
  for (let round = 0; round < 3; round += 1) {
    const start = Date.now() + 1_200
    const lockers = Array.from({ length: 8 }, () => startLocker(t, dir, start))
    const answers = await Promise.all(lockers.map(locker => locker.answer))
    t.strictSame(answers.toSorted(), [...Array(7).fill('DATA_DIR_IN_USE'), 'locked'])
    for (const { child } of lockers) child.kill('SIGKILL')
    await Promise.all(lockers.map(locker => locker.ended))
  }
})

t.test(
  'if many starters in one process compete, with owners that release at once, two never hold the lock',
  async t => {
    const dir = t.testdir()
    let holders = 0
    let most = 0
    let won = 0
    const refusals = new Set<unknown>()
    const starter = async (): Promise<void> => {
      for (let turn = 0; turn < 40; turn += 1) {
        try {
          const lock = await lockDataDir(dir)
          won += 1
          most = Math.max(most, (holders += 1))
          if (turn % 2 === 0) await new Promise(resolve => setImmediate(resolve))
          holders -= 1
          await lock.release()
        } catch (error) {
          refusals.add((error as { code?: string }).code)
        }
      }
    }
    await Promise.all(Array.from({ length: 12 }, starter))
    t.equal(most, 1)
    t.strictSame(refusals, new Set(['DATA_DIR_IN_USE']))
    t.ok(won > 20, `the lock was acquired ${won} times`)
  }
)

t.test('a starter tries again if a faster starter removed its incomplete lock', async t => {
  const dir = t.testdir({ lock: {} })
  const folder = join(dir, 'lock')
  for (let n = 0; n < 100; n += 1) {
    const locking = lockDataDir(dir)
    let half: string | undefined
    while (half === undefined) {
      await new Promise(resolve => setImmediate(resolve))
      half = readdirSync(folder).find(name => name !== String(n))
    }
    for (let turn = 0; turn < n % 5; turn += 1) await new Promise(resolve => setImmediate(resolve))
    if (half.startsWith('new-')) rmSync(join(folder, half), { recursive: true, force: true })
    await (await locking).release()
  }
  t.strictSame(readdirSync(folder), ['100'])
})

t.test('an owner that is stopped but not dead keeps its lock', async t => {
  const dir = t.testdir()
  const owner = startLocker(t, dir)
  t.equal(await owner.answer, 'locked')
  owner.child.kill('SIGSTOP')
  for (let n = 0; n < 20; n += 1) t.match(await failureOf(lockDataDir(dir)), { code: 'DATA_DIR_IN_USE' })
})

t.test(
  'a server with the same pid in another container (its own pid, network and mount namespaces) is refused',
  async t => {
    const dir = t.testdir()
    const container = ['unshare', '--pid', '--net', '--mount', '--fork', '--kill-child']
    const owner = startLocker(t, dir, 0, container)
    t.equal(await owner.answer, 'locked')
    t.equal(await startLocker(t, dir, 0, container).answer, 'DATA_DIR_IN_USE')
    owner.child.kill('SIGKILL')
    await owner.ended
    t.equal(await startLocker(t, dir, 0, container).answer, 'locked')
  }
)

t.test('a folder whose path is too long for a socket address is locked too', async t => {
  const dir = join(t.testdir(), 'x'.repeat(150), 'y'.repeat(150))
  const lock = await lockDataDir(dir)
  t.match(await failureOf(lockDataDir(dir)), { code: 'DATA_DIR_IN_USE' })
  t.equal(await startLocker(t, dir).answer, 'DATA_DIR_IN_USE')
  await lock.release()
  await (await lockDataDir(dir)).release()
})

t.test('leftovers have no effect: folders without sockets, starters that died, other files', async t => {
  const dir = t.testdir({
    lock: { '7': {}, '3': { socket: 'a file' }, 'new-dead': { socket: '' }, notes: 'x', '0': {}, '12x': {} }
  })
  const lock = await lockDataDir(dir)
  t.strictSame(readdirSync(join(dir, 'lock')), ['8'])
  await lock.release()
  mkdirSync(join(dir, 'lock', '9'))
  writeFileSync(join(dir, 'lock', '9', 'socket'), 'a file')
  await (await lockDataDir(dir)).release()
  t.strictSame(readdirSync(join(dir, 'lock')), ['10'])
})

t.test('a folder that cannot be created is one clear line', async t => {
  const dir = join(t.testdir({ data: 'a file' }), 'data')
  const refused = await failureOf(lockDataDir(dir))
  t.match(refused?.message, new RegExp(`^data folder ${dir} cannot be locked: E(NOTDIR|EXIST)`))
  rmSync(dir)
})
