/** What `rejected retry --send` has sent is in the audit, however the command ends. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { KEY, post, startApp } from '../../support/app.ts'
import type { AuditEntry } from '../../../src/model/operations/audit.ts'
import { readAudit } from '../../../src/telemetry/audit.ts'
import { MAIN } from '../run.ts'

/** A batch has 100 events, so that these are two batches. */
const EVENTS = 150

interface Retried {
  readonly entries: readonly AuditEntry[]
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Sends rejected events to a server that takes the first batch and does `second` with the next one. */
async function retry(
  t: Test,
  second: (response: ServerResponse, kill: (signal: NodeJS.Signals) => void) => void
): Promise<Retried> {
  const app = await startApp(t, { config: `sources:\n  - { id: web, writeKeys: [${KEY}] }\n`, sink: 'configured' })
  const batch = Array.from({ length: EVENTS }, (_, at) => ({ type: 'track', event: 'E', messageId: `m-${at}` }))
  await post(`${app.url}/v1/batch`, { batch })
  let requests = 0
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (++requests > 1) return second(response, signal => void child.kill(signal))
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"success":true,"accepted":100}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  t.teardown(() => server.closeAllConnections())
  const dataDir = join(app.dir, 'data')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const args = ['rejected', 'retry', '--set', 'anonymousId=a', '--send', '--url', url]
  const env = { PATH: process.env['PATH'], CONFIG_FILE: join(app.dir, 'tributary.yml'), DATA_DIR: dataDir }
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: app.dir, env, stdio: 'ignore' })
  t.teardown(() => child.kill('SIGKILL'))
  const [code, signal] = (await once(child, 'exit')) as [Retried['code'], Retried['signal']]
  const entries = (await readAudit(dataDir)).filter(({ action }) => action === 'retry')
  return { entries, code, signal }
}

t.test('If the server goes away, the audit has what was sent, and the events whose answer did not arrive', async t => {
  const { entries, code } = await retry(t, response => void response.socket?.destroy())
  t.equal(code, 1)
  t.equal(entries.length, 1)
  t.match(
    entries[0]?.what,
    /^100 rejected events sent again to http:\S+, and 50 whose answer did not arrive; cut short: http:\S+ cannot be reached/
  )
})

t.test('If the server refuses the key, the audit has what was sent before', async t => {
  const { entries, code } = await retry(t, response => {
    response.writeHead(401, { 'content-type': 'application/json' }).end('{"code":"write_key_unknown","message":"no"}')
  })
  t.equal(code, 1)
  t.match(entries, [
    { what: /^100 rejected events sent again to \S+; cut short: \S+ answered 401 write_key_unknown: no$/ }
  ])
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  t.test(`If ${signal} ends the command, the audit has what was sent`, async t => {
    const ended = await retry(t, (_response, kill) => kill(signal))
    t.equal(ended.signal, signal, 'the signal ends it as before')
    t.equal(ended.entries.length, 1)
    t.match(
      ended.entries[0]?.what,
      new RegExp(`^100 rejected events sent again to \\S+, and 50 whose answer did not arrive; cut short: ${signal}$`)
    )
  })
}

t.test('A retry that ends well is audited once', async t => {
  const { entries, code } = await retry(t, response => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"success":true,"accepted":50}')
  })
  t.equal(code, 0)
  t.match(entries, [{ what: /^150 rejected events sent again to \S+\d$/ }])
  t.equal(entries.length, 1)
})
