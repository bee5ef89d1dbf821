import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import type { Test } from 'tap'
import { createAdminServer } from '../../src/debugger/admin-server.ts'
import { openEventStream } from '../../src/debugger/live/event-stream.ts'
import { followMembers } from '../../src/fleet/members/members.ts'
import { mergeViews } from '../../src/fleet/view/view.ts'
import { prepareListener } from '../../src/http/server/listener.ts'
import { MemoryTopics } from '../support/memory-topics.ts'
import { ownFolder } from '../support/own-folder.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { AUTHORIZATION, startServer } from '../support/server-process.ts'
import { until } from '../support/until.ts'

interface Batch {
  readonly server: string
  readonly rows: readonly { readonly server: string; readonly messageId: string }[]
  readonly problem?: string
}

interface View {
  readonly url: string
  close(): Promise<void>
}

/** Longer than the test may take: a stop that waits for a connection to be idle for so long fails it. */
const KEEP_ALIVE_MS = 600_000

async function send({ url }: ServerProcess, messageId: string): Promise<void> {
  const headers = { 'content-type': 'application/json', authorization: AUTHORIZATION }
  const body = JSON.stringify({ userId: 'u', event: 'Live', messageId })
  const isTaken = async (): Promise<boolean> => {
    const answer = await fetch(`${url}/v1/track`, { method: 'POST', headers, body })
    await answer.arrayBuffer()
    return answer.status === 200
  }
  await until(isTaken, { what: 'the event to be taken', timeoutMs: 60_000 })
}

/** An admin listener that merges the views of these servers, which are its fleet. */
async function startView(t: Test, servers: Readonly<Record<string, ServerProcess>>): Promise<View> {
  const topics = new MemoryTopics()
  const members = followMembers({ topics, self: undefined })
  for (const [name, { adminUrl }] of Object.entries(servers)) {
    const beat = {
      name,
      instance: name,
      startedAt: 1,
      version: '1',
      adminUrl,
      config: { version: 1, hash: '', problem: null },
      kafka: { reached: true, problem: null },
      backlogBytes: 0,
      demand: {},
      leaving: false
    }
    await topics.write(topics.names.members, [{ key: name, value: Buffer.from(JSON.stringify(beat)) }])
    const write = (): void => {
      void topics.write(topics.names.members, [{ key: name, value: Buffer.from(JSON.stringify(beat)) }])
    }
    const timer = setInterval(write, 1_000)
    t.teardown(() => clearInterval(timer))
  }
  const admin = await createAdminServer({ logger: pino({ enabled: false }), tls: undefined })
  prepareListener(admin, { trustProxy: false, idleMs: KEEP_ALIVE_MS })
  const endStreams = mergeViews(admin, {
    fleet: { name: 'view', instance: 'view', members: () => members },
    password: undefined,
    openStream: (request, reply, watch) =>
      openEventStream(request, reply, { live: { watch }, matches: () => true, from: 0 })
  })
  admin.get('/api/stream', async () => 'this server alone')
  admin.addHook('preClose', endStreams)
  t.teardown(() => members.close())
  t.teardown(() => admin.close())
  return { url: await admin.listen({ host: '127.0.0.1', port: 0 }), close: () => admin.close() }
}

interface Followed {
  /** As they come. */
  readonly batches: readonly Batch[]
  /** Resolves when the stream has ended. */
  readonly ended: Promise<void>
}

async function follow(t: Test, url: string): Promise<Followed> {
  const gone = new AbortController()
  t.teardown(() => gone.abort())
  const response = await fetch(url, { signal: gone.signal })
  t.match(response.headers.get('content-type'), 'text/event-stream')
  const batches: Batch[] = []
  const read = async (): Promise<void> => {
    let text = ''
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString()
      const messages = text.split('\n\n')
      text = messages.pop() ?? ''
      for (const message of messages) {
        const data = /^data: (.*)$/m.exec(message)?.[1]
        if (data !== undefined) batches.push(JSON.parse(data) as Batch)
      }
    }
  }
  return { batches, ended: read().catch(() => undefined) }
}

const rowsOf = (batches: readonly Batch[]): string[] =>
  batches.flatMap(({ rows }) => rows.map(({ server, messageId }) => `${server} ${messageId}`)).toSorted()

await t.test('the live streams of all servers come as one, each row with its server', async t => {
  const root = ownFolder(t, { a: {}, b: {} })
  const a = await startServer(t, { dir: join(root, 'a') })
  const b = await startServer(t, { dir: join(root, 'b') })
  const { url: view, close } = await startView(t, { a, b })
  await send(a, 'before')
  await send(b, 'first')

  t.equal(await (await fetch(`${view}/api/stream`)).text(), 'this server alone', 'without scope')
  const after = encodeURIComponent(JSON.stringify({ a: 1, b: 0 }))
  const { batches, ended } = await follow(t, `${view}/api/stream?scope=fleet&event=Live&after=${after}`)
  await until(() => rowsOf(batches).length >= 1, { what: 'what is behind the cursor', timeoutMs: 60_000 })
  t.same(rowsOf(batches), ['b first'])
  await send(a, 'one')
  await send(b, 'two')
  await until(() => rowsOf(batches).length >= 3, { what: 'what comes', timeoutMs: 60_000 })
  t.same(rowsOf(batches), ['a one', 'b first', 'b two'])

  await b.kill()
  await until(() => batches.some(({ server, problem }) => server === 'b' && problem !== undefined), {
    what: 'the server that has gone to be named',
    timeoutMs: 60_000
  })
  await send(a, 'three')
  await until(() => rowsOf(batches).includes('a three'), { what: 'the rest to go on', timeoutMs: 60_000 })
  for (const cursor of ['', 'x', '[]', 'null', '{"a":-1}', '{"a":"1"}']) {
    const gone = new AbortController()
    const answer = await fetch(`${view}/api/stream?scope=fleet&after=${encodeURIComponent(cursor)}`, {
      signal: gone.signal
    })
    t.equal(answer.status, 200, `a cursor that is none: ${cursor}`)
    gone.abort()
  }
  await send(a, 'four')
  await until(() => rowsOf(batches).includes('a four'), {
    what: 'readers that went to disturb nobody',
    timeoutMs: 60_000
  })
  await Promise.all([ended, close()])
  t.pass('a stop ends the stream, and does not wait until its connection has been idle for long')
})
