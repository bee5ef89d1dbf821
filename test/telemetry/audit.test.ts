/**
 * Who changed a server, how and from where: in the log, in DATA_DIR/audit.jsonl, in `tributary audit` and on the page.
 */
import { appendFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import type { Test } from 'tap'
import { parseTributaryFile } from '../../src/config/file/tributary-file.ts'
import { configChanges, configFacts } from '../../src/keys/store/config-changes.ts'
import type { AuditEntry } from '../../src/model/operations/audit.ts'
import { createAudit, readAudit, recentAudit } from '../../src/telemetry/audit.ts'
import { MAIN, run } from '../cli/run.ts'
import { CONFIG, startApp } from '../support/app.ts'
import type { TestApp } from '../support/app.ts'
import { until } from '../support/until.ts'
import { ownFolder } from '../support/own-folder.ts'

const PASSWORD = 'correct horse battery staple'
const BASIC = `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`

interface Audited {
  readonly server: TestApp
  /** The lines of the log that are of the audit. */
  lines(): Record<string, unknown>[]
  entries(): Promise<AuditEntry[]>
}

async function startAudited(t: Test, env: Record<string, string> = { ADMIN_PASSWORD: PASSWORD }): Promise<Audited> {
  const log: string[] = []
  const logger = pino({}, { write: (line: string) => void log.push(line) })
  const server = await startApp(t, { env, logger, sink: 'configured' })
  const all = (): Record<string, unknown>[] => log.map(line => JSON.parse(line) as Record<string, unknown>)
  return {
    server,
    lines: () => all().filter(line => line['audit'] === true),
    entries: () => readAudit(join(server.dir, 'data'))
  }
}

function ask({ server }: Audited, method: string, path: string, body?: object): Promise<Response> {
  const json = body === undefined ? {} : { body: JSON.stringify(body) }
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  return fetch(`${server.adminUrl}${path}`, { method, headers: { authorization: BASIC, ...type }, ...json })
}

t.test('An action in the debugger is recorded with who did it and from where, once it is done', async t => {
  const audited = await startAudited(t)
  await ask(audited, 'POST', '/api/sources/web/keys/1')
  await ask(audited, 'POST', '/api/sources/nobody/keys/0')
  await ask(audited, 'POST', '/api/sources/web/test', {})
  await ask(audited, 'DELETE', '/api/events')
  await ask(audited, 'POST', '/api/suppressions', { users: ['user-4711'] })
  await ask(audited, 'GET', '/api/sources')
  const wanted = [
    ['key_shown', /^the key \S*… ?\S* of source web was shown$/],
    ['test_sent', 'a test event was sent as source web'],
    ['clear', 'the debugger was cleared'],
    ['suppressed', '1 user was suppressed']
  ]
  await until(() => audited.lines().length >= wanted.length, { what: 'the audit lines in the log', timeoutMs: 30_000 })
  const seen = audited.lines().map(({ action, what, who, from }) => ({ action, what, who, from }))
  t.match(
    seen,
    wanted.map(([action, what]) => ({ action, what, who: 'admin', from: '127.0.0.1' }))
  )
  t.equal(seen.length, wanted.length, 'refused actions and reading actions are not recorded')
  t.same(
    (await audited.entries()).map(({ action, what, who, from }) => ({ action, what, who, from })),
    seen,
    'the file has the same entries as the log'
  )
  const text = readFileSync(join(audited.server.dir, 'data', 'audit.jsonl'), 'utf8') + JSON.stringify(audited.lines())
  t.notMatch(text, /wk_second|user-4711/, 'the file contains no key and no user id')
  const shown = (await (await ask(audited, 'GET', '/api/audit')).json()) as { entries: AuditEntry[] }
  t.same(
    shown.entries.map(({ action }) => action),
    wanted.map(([action]) => action).toReversed(),
    'the newest entry comes first'
  )
})

t.test('Logins and wrong passwords are recorded, without the password', async t => {
  const audited = await startAudited(t)
  const form = (password: string): Promise<Response> =>
    fetch(`${audited.server.adminUrl}/login`, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ password })
    })
  await form('hunter2')
  await form(PASSWORD)
  const wrong = `Basic ${Buffer.from('admin:hunter2').toString('base64')}`
  await fetch(`${audited.server.adminUrl}/api/sources`, { headers: { authorization: wrong } })
  const entries = await audited.entries()
  t.match(entries, [
    { action: 'login_failed', who: 'unknown', from: '127.0.0.1' },
    { action: 'login', who: 'admin', from: '127.0.0.1' },
    { action: 'login_failed', who: 'unknown', from: '127.0.0.1' }
  ])
  t.equal(entries.length, 3)
  t.notMatch(JSON.stringify(entries), /hunter2|correct horse/)
})

t.test('Without a password the audit says so instead of a name', async t => {
  const audited = await startAudited(t, {})
  await fetch(`${audited.server.adminUrl}/api/events`, { method: 'DELETE' })
  await until(() => audited.lines().length > 0, { what: 'an audit line in the log', timeoutMs: 30_000 })
  t.match(await audited.entries(), [{ action: 'clear', who: 'anybody: no ADMIN_PASSWORD is set' }])
})

t.test('An edit of the configuration is recorded with its changes, by source, with masked keys', async t => {
  const audited = await startAudited(t)
  const edited = CONFIG.replace('wk_second', 'wk_anotherOne12345678901234567890')
    .replace('enabled: false', 'enabled: true')
    .replace(/ {2}- id: slow\n.*\n.*\n/, '')
    .concat('destinations:\n  - name: Amplitude\n    topic: to.amplitude\n')
  writeFileSync(join(audited.server.dir, 'tributary.yml'), edited)
  audited.server.app.reload()
  await until(() => audited.lines().length > 0, { what: 'an audit line in the log', timeoutMs: 30_000 })
  const [entry] = await audited.entries()
  t.match(entry, { action: 'config_changed', who: 'an edit of the file', from: /tributary\.yml$/ })
  t.same(
    entry?.changes?.map(line => line.replace(/key \S+/, 'key MASKED')),
    [
      'source web: key MASKED added',
      'source web: key MASKED revoked',
      'source off: enabled false → true',
      'source slow removed',
      'source slow: key MASKED revoked',
      'destination Amplitude added'
    ]
  )
  t.notMatch(JSON.stringify([entry, audited.lines()]), /wk_second|wk_anotherOne12345678901234567890|wk_slow/)
})

t.test('A change of the suppression list names no user, and an edit without a change is not recorded', t => {
  const [before, after] = ['', 'suppress: { users: [user-4711] }\n'].map(more =>
    configFacts(parseTributaryFile(`${CONFIG}${more}`, 'tributary.yml'))
  )
  if (before === undefined || after === undefined) throw new Error('there are two')
  t.same(configChanges(before, after), ['suppress changed'])
  t.same(configChanges(before, before), [])
  t.end()
})

t.test(
  'Commands that change something are recorded too, with the user and the machine; tributary audit shows all records',
  async t => {
    const dir = ownFolder(t, { 'tributary.yml': CONFIG, data: {} })
    const tributary = (...args: string[]) => run(process.execPath, [MAIN, ...args], { cwd: dir })
    const added = await tributary('keys', 'add', 'web')
    await tributary('keys', 'revoke', 'web', 'wk_second')
    await tributary('keys', 'revoke', 'web', 'wk_nothing')
    await tributary('suppress', 'add', 'user-4711')
    const { stdout, code } = await tributary('audit')
    t.equal(code, 0)
    const lines = stdout.trim().split('\n')
    t.equal(lines.length, 3, stdout)
    t.match(lines[0], /^\d{4}-\S+Z {2}key_added +\S.*, command line on \S+: keys add web: \S+ added$/)
    t.match(lines[1], /key_revoked +\S.*: keys revoke web: \S+ revoked$/)
    t.match(lines[2], /suppressed .*1 user suppressed$/)
    t.notMatch(stdout, new RegExp(`${added.stdout.trim()}|user-4711`))
    const json = await tributary('audit', '--action', 'key_added', '--json')
    t.match(JSON.parse(json.stdout), { action: 'key_added' })
    t.equal((await tributary('audit', '--since', '2999-01-01')).stdout, '')
    t.match(await tributary('audit', '--action', 'key_aded'), { code: 2, stderr: /did you mean "key_added"\?/ })
  }
)

t.test('A command creates no data folder, and works without one', async t => {
  const dir = ownFolder(t, { 'tributary.yml': CONFIG })
  const { code, stderr } = await run(process.execPath, [MAIN, 'keys', 'add', 'web'], { cwd: dir })
  t.strictSame([code, stderr], [0, ''])
  t.throws(() => statSync(join(dir, 'data')))
})

t.test('The file is bounded, only its owner can read it, and an invalid line hides no other', async t => {
  const dir = ownFolder(t, {})
  const warnings: string[] = []
  const log = { info: () => undefined, warn: (_: object, says: string) => void warnings.push(says) }
  const audit = createAudit({ dataDir: dir, now: () => 0, log })
  const facts = {
    who: 'w'.repeat(10_000),
    from: 'f',
    what: 'x',
    changes: Array.from({ length: 1_000 }, () => 'c'.repeat(10_000))
  }
  audit('clear', facts)
  const file = join(dir, 'audit.jsonl')
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.ok(statSync(file).size < 200_000, 'long texts are cut')
  const [kept] = readFileSync(file, 'utf8').split('\n')
  const { changes = [], whole = [] } = JSON.parse(kept ?? '') as AuditEntry
  t.equal(changes.length, 101)
  t.equal(changes.at(-1), '… and 900 more')
  t.equal(whole.at(-1), '… and 9868928 more characters, which are not kept')
  appendFileSync(file, 'no entry\n{"half":\nnull\n')
  for (let index = 0; index < 400; index++) audit('clear', facts)
  audit('replay', { who: 'w', from: 'f', what: 'the last' })
  t.ok(statSync(file).size <= 8 * 1024 ** 2)
  t.ok(statSync(join(dir, 'audit.1.jsonl')).size <= 8 * 1024 ** 2)
  t.match((await readAudit(dir)).at(-1), { action: 'replay', what: 'the last' })
  const recent = recentAudit(dir)
  t.match(recent.at(-1), { what: 'the last' })
  t.ok(recent.length > 1 && recent.length < 7, 'what fits into 1 MiB')
  t.same(recentAudit(join(dir, 'missing')), [])

  mkdirSync(join(dir, 'blocked', 'audit.jsonl'), { recursive: true })
  createAudit({ dataDir: join(dir, 'blocked'), now: () => 0, log })('clear', { who: 'w', from: 'f', what: 'x' })
  t.match(warnings, [/^the audit file could not be written/], 'the error is logged and not thrown')
})
