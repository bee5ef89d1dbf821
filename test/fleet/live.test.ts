import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { readEventStream } from '../../src/client/event-stream.ts'
import { postUntilTaken } from '../support/app.ts'
import { Heartbeats, startView, type MemberProcess } from '../support/fleet-view.ts'
import { ownFolder } from '../support/own-folder.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { startServer } from '../support/server-process.ts'
import { until } from '../support/until.ts'

interface Batch {
  readonly server: string
  readonly rows: readonly { readonly server: string; readonly messageId: string }[]
  readonly problem?: string
}

async function send({ url }: ServerProcess, messageId: string): Promise<void> {
  t.equal((await postUntilTaken(`${url}/v1/track`, { userId: 'u', event: 'Live', messageId })).status, 200)
}

interface Followed {
  /** As they come. */
  readonly batches: readonly Batch[]
  /** Whether the stream has ended completely; false if its connection was cut. */
  readonly ended: Promise<boolean>
}

async function follow(t: Test, url: string): Promise<Followed> {
  const gone = new AbortController()
  t.teardown(() => gone.abort())
  const response = await fetch(url, { signal: gone.signal })
  t.match(response.headers.get('content-type'), 'text/event-stream')
  t.equal(response.headers.get('connection'), 'close', 'the stream closes its connection, so that a stop does not wait')
  const batches: Batch[] = []
  const read = async (): Promise<void> => {
    for await (const batch of readEventStream<Batch>(response.body ?? new ReadableStream<Uint8Array>()))
      batches.push(batch)
  }
  const ended = read().then(
    () => true,
    () => false
  )
  return { batches, ended }
}

const rowsOf = (batches: readonly Batch[]): string[] =>
  batches.flatMap(({ rows }) => rows.map(({ server, messageId }) => `${server} ${messageId}`)).toSorted()

await t.test('the live streams of all servers are merged, and each row has its server', async t => {
  const root = ownFolder(t, { a: {}, b: {} })
  const a = await startServer(t, { dir: join(root, 'a') })
  const b = await startServer(t, { dir: join(root, 'b') })
  const heartbeats = new Heartbeats(t)
  for (const [name, { adminUrl }] of Object.entries({ a, b })) await heartbeats.join({ name, instance: name, adminUrl })
  const { url: view, close } = await startView(t, heartbeats)
  await send(a, 'before')
  await send(b, 'first')

  t.equal(
    await (await fetch(`${view}/api/stream`)).text(),
    'this server alone',
    'without scope, the stream has the events of this server only'
  )
  const after = encodeURIComponent(JSON.stringify({ a: 1, b: 0 }))
  const { batches, ended } = await follow(t, `${view}/api/stream?scope=fleet&event=Live&after=${after}`)
  await until(() => rowsOf(batches).length >= 1, { what: 'the event after the cursor', timeoutMs: 60_000 })
  t.same(rowsOf(batches), ['b first'])
  await send(a, 'one')
  await send(b, 'two')
  await until(() => rowsOf(batches).length >= 3, { what: 'the new events', timeoutMs: 60_000 })
  t.same(rowsOf(batches), ['a one', 'b first', 'b two'])

  await b.kill()
  await until(() => batches.some(({ server, problem }) => server === 'b' && problem !== undefined), {
    what: 'the stream to report that server b is gone',
    timeoutMs: 60_000
  })
  await send(a, 'three')
  await until(() => rowsOf(batches).includes('a three'), {
    what: 'the events of the other server to continue',
    timeoutMs: 60_000
  })
  for (const cursor of ['', 'x', '[]', 'null', '{"a":-1}', '{"a":"1"}']) {
    const gone = new AbortController()
    const answer = await fetch(`${view}/api/stream?scope=fleet&after=${encodeURIComponent(cursor)}`, {
      signal: gone.signal
    })
    t.equal(answer.status, 200, `an invalid cursor is accepted: ${cursor}`)
    gone.abort()
  }
  await send(a, 'four')
  await until(() => rowsOf(batches).includes('a four'), {
    what: 'the stream to continue after other readers left',
    timeoutMs: 60_000
  })
  const [isComplete] = await Promise.all([ended, close()])
  t.ok(isComplete, 'a stop ends the stream without cutting its connection')
})

await t.test(
  'the stream continues if workers of a server are replaced, and a server that starts again is shown from its first event',
  async t => {
    const server = await startServer(t, { dir: ownFolder(t) })
    const process = (name: string, instance: string): MemberProcess => ({ name, instance, adminUrl: server.adminUrl })
    const heartbeats = new Heartbeats(t)
    const [first, second] = [process('a/0', 'a/0 before'), process('a/1', 'a/1 before')]
    await heartbeats.join(first)
    await heartbeats.join(second)
    const { url: view } = await startView(t, heartbeats)
    const { batches } = await follow(t, `${view}/api/stream?scope=fleet`)
    await send(server, 'one')
    await until(() => rowsOf(batches).length >= 1, { what: 'the first event', timeoutMs: 60_000 })

    await heartbeats.leave(first)
    await heartbeats.join(process('a/0', 'a/0 after'))
    await send(server, 'two')
    await until(() => rowsOf(batches).length >= 2, { what: 'the second event', timeoutMs: 60_000 })
    // After two more updates of the members, a wrong second stream would have been opened.
    await sleep(2_500)
    await send(server, 'three')
    await until(() => rowsOf(batches).includes('a/0 three'), { what: 'the third event', timeoutMs: 60_000 })
    t.same(rowsOf(batches), ['a/0 one', 'a/0 three', 'a/0 two'], 'the stream has each event once')
    t.notOk(
      batches.some(({ problem }) => problem !== undefined),
      'the stream reports no problem'
    )

    await server.kill()
    for (const gone of [second, process('a/0', 'a/0 after')]) await heartbeats.leave(gone)
    await server.start()
    await send(server, 'four')
    await heartbeats.join(process('a/0', 'a/0 again'))
    await until(() => rowsOf(batches).includes('a/0 four'), {
      what: 'the first event after the restart',
      timeoutMs: 60_000
    })
  }
)
