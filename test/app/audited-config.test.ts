/** A change of the configuration is in the audit whenever it was made, and with whole values. */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { MAIN, run } from '../cli/run.ts'
import type { AuditEntry } from '../../src/model/operations/audit.ts'
import { readAudit } from '../../src/telemetry/audit.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { SOURCES, startServer } from '../support/server-process.ts'
import { until } from '../support/until.ts'

const origins = (count: number): string[] => Array.from({ length: count }, (_, at) => `https://shop-${at}.example`)
const withOrigins = (count: number): string => `${SOURCES}    allowedOrigins: ${JSON.stringify(origins(count))}\n`

async function edits({ dataDir }: ServerProcess): Promise<AuditEntry[]> {
  return (await readAudit(dataDir)).filter(({ action }) => action === 'config_changed')
}

/** Stops the server, changes its tributary.yml, and starts it again. */
async function editStopped(server: ServerProcess, text: string): Promise<void> {
  await server.kill('SIGTERM')
  writeFileSync(server.configFile, text)
  await server.start()
}

for (const [how, env] of [
  ['', {}],
  [' with workers', { WORKERS: '2' }]
] as const) {
  t.test(`An edit of tributary.yml while the server${how} is stopped is audited at its next start, once`, async t => {
    const server = await startServer(t, { env: { ...env } })
    t.same(await edits(server), [], 'the first configuration is no change')
    await editStopped(
      server,
      `${SOURCES.replace('wk_test', 'wk_another12345')}    enabled: false\nsuppress: { users: [user-4711] }\n`
    )
    await until(async () => (await edits(server)).length > 0, { what: 'the entry', timeoutMs: 10_000 })
    const [entry, ...more] = await edits(server)
    t.same(more, [])
    t.match(entry, {
      who: 'unknown',
      from: server.configFile,
      what: 'the configuration was changed while the server was stopped'
    })
    t.same(
      entry?.changes?.map(line => line.replace(/key \S+/, 'key MASKED')),
      [
        'source web: enabled true → false',
        'source web: key MASKED added',
        'source web: key MASKED revoked',
        'suppress changed'
      ]
    )
    t.match(server.stderr, /"audit":true,"action":"config_changed","who":"unknown"/, 'the log has it too')
    await editStopped(server, readFileSync(server.configFile, 'utf8'))
    t.equal((await edits(server)).length, 1, 'a start without an edit records nothing')
    const kept = join(server.dataDir, 'audited-config.json')
    t.equal(statSync(kept).mode & 0o777, 0o600)
    t.notMatch(
      readFileSync(kept, 'utf8'),
      /wk_another12345|wk_test|user-4711/,
      'neither a key nor an id of a user is stored'
    )
  })
}

t.test('An edit that was audited while the server ran is not audited again at its next start', async t => {
  const server = await startServer(t)
  writeFileSync(server.configFile, withOrigins(1))
  await until(async () => (await edits(server)).length > 0, { what: 'the edit', timeoutMs: 30_000 })
  await editStopped(server, withOrigins(2))
  t.match(await edits(server), [
    { who: 'an edit of the file', changes: [/allowedOrigins not set → \["https:\/\/shop-0.example"\]/] },
    { who: 'unknown', changes: [/allowedOrigins \["https:\/\/shop-0.example"\] → \[.*shop-1.example"\]$/] }
  ])
})

t.test('A damaged record of the audited configuration stops no start, and the next edit is audited', async t => {
  const server = await startServer(t)
  const kept = join(server.dataDir, 'audited-config.json')
  for (const text of ['{"hash":"x","facts":{}}', '', 'null']) {
    writeFileSync(kept, text)
    await editStopped(server, withOrigins(1))
    t.same(await edits(server), [])
    t.match(server.stderr, 'an edit of the configuration while the server is stopped may be missing in the audit')
  }
  rmSync(kept)
  await editStopped(server, withOrigins(1))
  await editStopped(server, withOrigins(2))
  t.equal((await edits(server)).length, 1)
})

t.test('A long value is cut in the log and in tributary audit, and whole with --whole and in --json', async t => {
  const server = await startServer(t)
  await editStopped(server, withOrigins(200))
  const tributary = (...args: string[]) =>
    run(process.execPath, [MAIN, 'audit', ...args], { cwd: server.dir, env: { DATA_DIR: server.dataDir } })
  const line = `source web: allowedOrigins not set → ${JSON.stringify(origins(200))}`
  const short = await tributary()
  t.notMatch(short.stdout, 'shop-150.example')
  t.match(short.stderr, 'long values are cut: --whole and --json show all of them')
  const whole = await tributary('--whole')
  t.match(whole.stdout, `  ${line}\n`)
  t.equal(whole.stderr, '')
  t.match(JSON.parse((await tributary('--json')).stdout), { changes: [/…$/], whole: [line] })
  t.notMatch(server.stderr, 'shop-150.example')
  const answer = (await (await fetch(`${server.adminUrl}/api/audit`)).json()) as { entries: AuditEntry[] }
  t.match(answer.entries, [{ action: 'config_changed', changes: [/…$/] }])
  t.notOk(answer.entries[0]?.whole, 'the page does not load it every five seconds')
})
