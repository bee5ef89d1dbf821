/** SIGHUP from `systemctl reload` or from a terminal that is closed: the server reads its files again and continues. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { freePort } from '../support/kafka-process.ts'
import { AUTHORIZATION, createServerProcess, SOURCES, startServer } from '../support/server-process.ts'
import { START_ARGS } from '../support/start-args.ts'
import { until } from '../support/until.ts'
import { ownFolder } from '../support/own-folder.ts'

const SIGHUP_BIT = 1n

/**
 * Whether the process has a handler for SIGHUP. Without one, Node ends on SIGHUP until its first line of JavaScript
 * runs.
 */
function handlesHangUp(pid: number): boolean {
  try {
    const [, caught = '0'] = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    const isNode = basename(readlinkSync(`/proc/${pid}/exe`)) === basename(process.execPath)
    return isNode && (BigInt(`0x${caught}`) & SIGHUP_BIT) === SIGHUP_BIT
  } catch {
    return false
  }
}

/** Sends SIGHUP every few milliseconds until the returned function is called, which returns the number of signals. */
function hangUpAgainAndAgain(pid: () => number): () => number {
  let sent = 0
  const timer = setInterval(() => {
    if (!handlesHangUp(pid())) return
    try {
      process.kill(pid(), 'SIGHUP')
      sent++
    } catch {
      // It has ended just now.
    }
  }, 5)
  return () => {
    clearInterval(timer)
    return sent
  }
}

async function statusFor(url: string, key: string): Promise<number> {
  const headers = { authorization: `Basic ${btoa(`${key}:`)}`, 'content-type': 'application/json' }
  const answer = await fetch(`${url}/v1/track`, { method: 'POST', headers, body: '{"userId":"u","event":"e"}' })
  await answer.arrayBuffer()
  return answer.status
}

const count = (text: string, pattern: RegExp): number => text.match(new RegExp(pattern, 'g'))?.length ?? 0

t.test(
  'SIGHUP makes the server read the config file at once; a broken file changes nothing and is reported',
  async t => {
    const server = await startServer(t)
    process.kill(server.pid, 'SIGHUP')
    await until(() => count(server.stderr, /config file reloaded/) === 1, {
      what: 'the unchanged file to be read'
    })
    writeFileSync(server.configFile, SOURCES.replace('wk_test', 'wk_test, wk_more'))
    process.kill(server.pid, 'SIGHUP')
    await until(async () => (await statusFor(server.url, 'wk_more')) === 200, { what: 'the new key to be accepted' })
    writeFileSync(server.configFile, 'sources: [\n')
    process.kill(server.pid, 'SIGHUP')
    await until(() => /config file not usable/.test(server.stderr), { what: 'the message about the broken file' })
    t.same([await statusFor(server.url, 'wk_more'), server.running], [200, true])
  }
)

t.test('no number of SIGHUPs ends a server that starts, runs or stops, and it stops with 0', async t => {
  const server = await createServerProcess(t)
  const whileStarting = hangUpAgainAndAgain(() => server.pid)
  await server.start()
  t.ok(whileStarting() > 0, 'at least one signal was sent during the start')
  await until(() => /config file reloaded/.test(server.stderr), { what: 'the signals from the start to be handled' })
  const keptOpen = { method: 'POST', headers: { authorization: AUTHORIZATION }, body: '{"userId":"u","event":"e"}' }
  t.equal((await fetch(`${server.url}/v1/track`, keptOpen)).status, 200)
  const whileStopping = hangUpAgainAndAgain(() => server.pid)
  const { code, signal } = await server.kill('SIGTERM')
  t.same([code, signal], [0, null])
  t.ok(whileStopping() > 0, 'at least one signal was sent during the stop')
  t.match(server.stderr, /"msg":"stopped/)
})

t.test('a server whose terminal is closed continues, although its log cannot be written', async t => {
  const dir = ownFolder(t, { 'tributary.yml': SOURCES })
  const [port, adminPort] = [await freePort(), await freePort()]
  const pidFile = join(dir, 'pid')
  const command = `echo $$ > ${pidFile}; exec ${process.execPath} ${START_ARGS.join(' ')}`
  const env = { PATH: process.env['PATH'], PORT: String(port), ADMIN_PORT: String(adminPort) }
  const terminal = spawn('script', ['-qfec', command, '/dev/null'], {
    cwd: dir,
    env,
    stdio: ['pipe', 'pipe', 'ignore']
  })
  terminal.stdout.resume()
  const url = `http://127.0.0.1:${port}`
  const isUp = async (): Promise<boolean> => (await statusFor(url, 'wk_test').catch(() => 0)) === 200
  await until(isUp, { what: 'the server to accept events', timeoutMs: 30_000 })
  const pid = Number(readFileSync(pidFile, 'utf8'))
  const isAlive = (): boolean => handlesHangUp(pid)
  t.teardown(() => isAlive() && process.kill(pid, 'SIGKILL'))

  terminal.kill('SIGKILL')
  await once(terminal, 'close')
  writeFileSync(join(dir, 'tributary.yml'), SOURCES.replace('wk_test', 'wk_test, wk_more'))
  await until(async () => (await statusFor(url, 'wk_more')) === 200, { what: 'the changed file to be in force' })
  await sleep(500)
  t.ok(isAlive())
  t.equal(await statusFor(url, 'wk_test'), 200)
  process.kill(pid, 'SIGTERM')
  await until(() => !isAlive(), { what: 'the server to end', timeoutMs: 20_000 })
})
