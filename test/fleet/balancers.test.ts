import t from 'tap'
import type { Test } from 'tap'
import { join } from 'node:path'
import { runHaproxy } from '../support/haproxy.ts'
import { runNginx } from '../support/nginx.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { startServer } from '../support/server-process.ts'
import { until } from '../support/until.ts'
import { ownFolder } from '../support/own-folder.ts'

/** Without Kafka, /readyz/kafka is not ready on any server, so HAProxy must select servers by /readyz. */
const NAMES = ['a', 'b', 'c'] as const
const root = ownFolder(t, { a: {}, b: {}, c: {} })
const servers: ServerProcess[] = []
for (const name of NAMES) servers.push(await startServer(t, { dir: join(root, name) }))

let sent = 0
const idOf = (number: number): string => `balanced-${process.pid}-${number}`

/** The status of one event; 0 where no answer came. */
async function send(url: string): Promise<number> {
  const headers = { authorization: `Basic ${Buffer.from('wk_test:').toString('base64')}` }
  const body = JSON.stringify({ userId: 'u', event: 'Balanced', messageId: idOf(++sent) })
  try {
    const signal = AbortSignal.timeout(15_000)
    const answer = await fetch(`${url}/v1/track`, { method: 'POST', headers, body, signal })
    await answer.arrayBuffer()
    return answer.status
  } catch {
    return 0
  }
}

/** The servers that accepted one of the last `count` events. */
async function takers(count: number): Promise<ServerProcess[]> {
  const last = new Set(Array.from({ length: count }, (_, back) => idOf(sent - back)))
  const found: ServerProcess[] = []
  for (const server of servers.filter(({ running }) => running)) {
    const answer = await fetch(`${server.adminUrl}/api/events?event=Balanced&limit=1000`)
    const { events } = (await answer.json()) as { events: readonly { messageId: string }[] }
    if (events.some(({ messageId }) => last.has(messageId))) found.push(server)
  }
  return found
}

const isServed = (url: string) => async (): Promise<boolean> => (await send(url)) === 200

/** Longer than a balancer needs to find out which servers are healthy. Until then it may move a client. */
const SETTLED_MS = 3_000

/** Resolves when only one server has accepted events for a while. */
async function settled(url: string, name: string): Promise<void> {
  let since = performance.now()
  let only: ServerProcess | undefined
  const isSettled = async (): Promise<boolean> => {
    await sendMany(url, 10)
    const [server, ...others] = await takers(10)
    if (server === undefined || server !== only || others.length > 0) since = performance.now()
    only = server
    return performance.now() - since > SETTLED_MS
  }
  await until(isSettled, { what: `${name} to send the client to one server only`, timeoutMs: 30_000 })
}

async function sendMany(url: string, count: number): Promise<number[]> {
  const statuses: number[] = []
  for (let left = count; left > 0; left -= 5) {
    statuses.push(...(await Promise.all(Array.from({ length: 5 }, () => send(url)))))
  }
  return statuses
}

await t.test('without Kafka /readyz/kafka is not ready, and /readyz says that events can be made durable', async t => {
  for (const { adminUrl, readyz } of servers) {
    t.equal((await fetch(`${adminUrl}/readyz/kafka`)).status, 503)
    t.equal((await readyz()).status, 200)
  }
})

for (const [name, run] of [
  ['HAProxy', async (t: Test) => (await runHaproxy(t, servers)).url],
  ['nginx', async (t: Test) => await runNginx(t, servers)]
] as const) {
  await t.test(`behind ${name} a client stays on one server, and a killed server costs no request`, async t => {
    const url = await run(t)
    await until(isServed(url), { what: `${name} to find the servers`, timeoutMs: 30_000 })
    await settled(url, name)
    const before = await sendMany(url, 30)
    t.ok(
      before.every(status => status === 200),
      'all requests are answered',
      { before }
    )
    const [server, ...others] = await takers(30)
    t.equal(others.length, 0, 'one server answers all requests')
    if (server === undefined) return
    const during = sendMany(url, 60)
    await server.kill('SIGKILL')
    const statuses = await during
    t.ok(
      statuses.every(status => status === 200),
      'all requests are answered while the server of the client ends',
      { statuses }
    )
    t.equal((await takers(5)).length, 1, 'one other server answers all requests')
    await server.start()
    await server.ready()
  })
}
