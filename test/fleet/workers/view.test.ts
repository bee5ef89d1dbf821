import t from 'tap'
import type { Finished } from '../../cli/run.ts'
import { MAIN, run } from '../../cli/run.ts'
import { readMetrics, sumOf } from '../../support/metrics.ts'
import type { ServerProcess } from '../../support/server-process.ts'
import { AUTHORIZATION, startServer } from '../../support/server-process.ts'
import { until } from '../../support/until.ts'
import { idsInFolder } from '../../support/verdict.ts'
import { allWorkersUp, eventFolders, workerPids } from '../../support/workers.ts'

// The API's answers are looked into as the programs of others do.
// oxlint-disable-next-line typescript/no-explicit-any
type Json = Record<string, any>

const WORKERS = 3
const EVENTS = 60

t.test('the debugger of a server with workers', { timeout: 170_000 }, async t => {
  const server = await startServer(t, { env: { WORKERS: String(WORKERS) } })
  await allWorkersUp(server, WORKERS)
  const ask = async (path: string, init: RequestInit = {}): Promise<{ status: number; body: Json }> => {
    const answer = await fetch(`${server.adminUrl}${path}`, init)
    return { status: answer.status, body: (await answer.json()) as Json }
  }
  const ids = Array.from({ length: EVENTS }, (_, at) => `m${at}`)
  for (const messageId of ids) t.equal(await send(server, { messageId, event: 'Seen' }), 200)

  await t.test('lists the events of all workers, newest first, each with its worker and its own seq', async t => {
    const { body } = await ask('/api/events?limit=1000&event=Seen')
    const events = body['events'] as Json[]
    t.strictSame(events.map(({ messageId }) => messageId as string).sort(), [...ids].sort())
    t.equal(new Set(events.map(({ seq }) => seq as number)).size, EVENTS)
    t.ok(new Set(events.map(({ worker }) => worker as number)).size > 1, 'at least two workers accepted events')
    t.strictSame(body['silent'], [])
    const seqs = events.map(({ seq }) => seq as number)
    t.strictSame(
      seqs,
      [...seqs].sort((a, b) => b - a)
    )
    for (const { seq, messageId } of events.slice(0, 5)) {
      t.match((await ask(`/api/events/${seq}`)).body, { seq, messageId, places: [{ file: /^worker-\d\/events\// }] })
    }
  })

  await t.test('adds up what the workers know about an event in the catalogue', async t => {
    const { body } = await ask('/api/catalogue?name=Seen')
    t.match(body['events'], [{ source: 'web', type: 'track', name: 'Seen', events: EVENTS }])
    t.equal((body['events'] as Json[]).length, 1)
    t.strictSame((await ask('/api/violations')).body, { violations: [], dropped: 0, silent: [] })
  })

  await t.test('pages in both directions without losing or repeating an event', async t => {
    for (const order of ['asc', 'desc']) {
      const seen: string[] = []
      let cursor = ''
      for (let page = 0; page < EVENTS; page++) {
        const { body } = await ask(`/api/events?event=Seen&limit=7&order=${order}${cursor}`)
        seen.push(...(body['events'] as Json[]).map(({ messageId }) => messageId as string))
        if (body['next'] === null) break
        cursor = `&${order === 'asc' ? 'after' : 'before'}=${body['next']}`
      }
      t.strictSame(seen.sort(), [...ids].sort(), order)
    }
  })

  await t.test('waits for events after the newest, whichever worker accepts them', async t => {
    const { body } = await ask('/api/events?limit=1')
    const waiting = ask(`/api/events?after=${body['newest']}&wait=20s&count=8&order=asc&limit=8`)
    for (let i = 0; i < 8; i++) await send(server, { messageId: `w${i}`, event: 'Waited' })
    const names = ((await waiting).body['events'] as Json[]).map(({ messageId }) => messageId as string)
    t.strictSame(
      names.sort(),
      Array.from({ length: 8 }, (_, at) => `w${at}`)
    )
    t.equal((await ask('/api/events?limit=0')).status, 400, 'an invalid limit is a 400')
    t.equal((await ask('/api/events?tipe=page')).status, 400)
    t.equal((await ask('/api/events/999999999999')).status, 404)
  })

  await t.test('streams what all workers accept, and continues when one of them is replaced', async t => {
    const stream = await follow(server, '?event=Streamed')
    t.teardown(stream.close)
    for (let i = 0; i < 12; i++) await send(server, { messageId: `s${i}`, event: 'Streamed' })
    await until(() => stream.rows.length >= 12, { what: 'twelve rows in the stream', timeoutMs: 20_000 })
    t.strictSame(
      stream.rows.map(({ messageId }) => messageId as string).sort(),
      Array.from({ length: 12 }, (_, at) => `s${at}`).sort()
    )
    t.ok(stream.rows.every(({ worker }) => typeof worker === 'number'))
    const [victim = 0] = workerPids(server)
    process.kill(victim, 'SIGKILL')
    await until(() => server.stderr.includes('it is started again'), {
      what: 'the primary to start the worker again',
      timeoutMs: 20_000
    })
    await allWorkersUp(server, WORKERS)
    for (let i = 0; i < 12; i++) await send(server, { messageId: `t${i}`, event: 'Streamed' })
    await until(() => stream.rows.length >= 24, {
      what: 'twelve more rows in the stream',
      timeoutMs: 20_000,
      seen: () => `${stream.rows.length}`
    })
    t.equal((await fetch(`${server.adminUrl}/api/stream?tipe=x`)).status, 400)
  })

  await t.test('finds an event by its messageId on any worker: in memory, then in the logs of all', async t => {
    const messageId = 'needle'
    await send(server, { messageId, event: 'Traced' })
    const started = performance.now()
    const { body } = await ask(`/api/trace/${messageId}`)
    t.match(body, {
      messageId,
      events: [{ messageId, worker: Number }],
      looks: [{ place: 'memory', found: 1, complete: true }]
    })
    t.ok(performance.now() - started < 5_000)
    t.match((await ask('/api/events', { method: 'DELETE' })).body, { success: true, kept: 0 })
    const later = (await ask(`/api/trace/${messageId}`)).body
    t.match(later, { events: [], records: [{ place: { file: /^worker-\d\/events\/.*ndjson$/ } }] })
    t.match(later['looks'], [
      { place: 'memory', found: 0 },
      { place: 'log', found: 1 }
    ])
    t.match((await ask('/api/trace/nowhere')).body, { events: [], records: [], omitted: 0 })
  })

  await t.test('groups rejections and counts outcomes and sources over all workers', async t => {
    for (let i = 0; i < 10; i++) t.equal(await send(server, { messageId: `r${i}` }), 400)
    for (let i = 0; i < 4; i++) t.equal(await send(server, { event: 'x' }, 'Basic d3JvbmdfX2tleTo='), 401)
    const { events, requests } = (await ask('/api/rejections')).body
    t.match(events, [{ code: 'event_not_defined', count: 10, sources: ['web'] }])
    t.equal((events as Json[]).length, 1)
    t.match(requests, [{ code: 'write_key_unknown', count: 4 }])
    const outcomes = (await ask('/api/outcomes')).body['sources'] as Json
    t.equal(outcomes['web'].rejected, 10)
    const { sources, trackingUrl } = (await ask('/api/sources')).body
    t.match(sources, [{ id: 'web', outcomes: { rejected: 10 }, keys: [String] }])
    t.equal(trackingUrl, server.url)
    const tested = await ask('/api/sources/web/test', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"type":"track"}'
    })
    t.match(tested.body, { status: 200, messageId: /^test-/ })
    t.match((await ask('/api/sources/web/keys/0', { method: 'POST' })).body, { writeKey: 'wk_test' })
  })

  await t.test('adds up the values that readers cannot read, over all workers', async t => {
    const huge = Array.from(
      { length: 12 },
      (_, at) => `{"userId":"u","event":"Huge","messageId":"h${at}","properties":{"n":1e400}}`
    )
    for (const body of huge) {
      const headers = { authorization: AUTHORIZATION }
      t.equal((await fetch(`${server.url}/v1/track`, { method: 'POST', headers, body })).status, 200)
    }
    const { body } = await ask('/api/hard-values')
    t.match(body['values'], [{ event: 'Huge', path: 'properties.n', kind: 'beyond_double', count: 12 }])
  })

  await t.test('commands that read the log read the logs of all workers', async t => {
    const env = { DATA_DIR: server.dataDir, CONFIG_FILE: server.configFile }
    const listed = await runCli(server.dir, ['rejected', 'list', '--json'], { env })
    t.equal(listed.stdout.trim().split('\n').length, 10)
    const counted = await runCli(server.dir, ['replay', '--topic', 't', '--dry-run'], { env })
    const stored = eventFolders(server.dataDir, WORKERS).flatMap(idsInFolder).length
    t.match(counted.stdout, `${stored} records would be published`)
    t.match((await runCli(server.dir, ['spool', 'status'], { env })).stdout, /nothing waits for Kafka in .*worker-\*/)
    const tailed = await runCli(server.dir, ['tail', '--count', '1', '--json', '--admin', server.adminUrl], { env })
    t.match(JSON.parse(tailed.stdout), { worker: Number })
  })

  await t.test('sums up the last hour in points of all workers, and reports each problem once', async t => {
    const sums = async (): Promise<number> => {
      const { points } = (await ask('/api/overview')).body
      return (points as Json[]).reduce((sum, { outcomes }) => sum + (outcomes as Json)['rejected'], 0)
    }
    await until(async () => (await sums()) === 10, { what: 'the sum of the points to be 10', timeoutMs: 20_000 })
    const { body } = await ask('/api/overview')
    t.match(body, {
      next: null,
      state: { ready: true, problems: [] },
      destination: /worker-\*/,
      hasPassword: false,
      silent: []
    })
    const ats = (body['points'] as Json[]).map(({ at }) => at as number)
    t.equal(new Set(ats).size, ats.length, 'one point for each interval')
  })

  await t.test('names a worker that does not answer, and shows the others in about a second', async t => {
    const [silent = 0] = workerPids(server)
    process.kill(silent, 'SIGSTOP')
    t.teardown(() => process.kill(silent, 'SIGCONT'))
    for (const path of [
      '/api/events',
      '/api/rejections',
      '/api/outcomes',
      '/api/sources',
      '/api/overview',
      '/api/trace/m1'
    ]) {
      const started = performance.now()
      const { status, body } = await ask(path)
      const seconds = (performance.now() - started) / 1000
      t.equal(status, 200, path)
      const problems = (body['silent'] as Json[]).map(({ problem }) => problem as string)
      t.ok(
        problems.includes('it did not answer within 1 s'),
        `${path} reports the worker that does not answer: ${problems.join()}`
      )
      t.ok(seconds < 4, `${path} took ${seconds.toFixed(1)} s`)
    }
    process.kill(silent, 'SIGCONT')
    await allWorkersUp(server, WORKERS)
    const ended = server.stderr.match(/it is started again/g) ?? []
    t.equal(ended.length, 1, 'ten seconds after a test event, only the killed worker has ended')
  })
})

t.test('with a password, the API of a server with workers needs this password', { timeout: 60_000 }, async t => {
  const server = await startServer(t, { env: { WORKERS: '2', ADMIN_PASSWORD: 'right' } })
  for (const path of ['/api/events', '/api/stream', '/api/trace/x', '/api/overview', '/api/sources', '/api/anything']) {
    const answer = await fetch(`${server.adminUrl}${path}`)
    t.equal(answer.status, 401, path)
    await answer.body?.cancel()
  }
  const authorization = `Basic ${Buffer.from('admin:right').toString('base64')}`
  const answer = await fetch(`${server.adminUrl}/api/overview`, { headers: { authorization } })
  t.match(await answer.json(), { hasPassword: true })
})

function runCli(cwd: string, args: readonly string[], { env }: { env: Record<string, string> }): Promise<Finished> {
  return run(process.execPath, [MAIN, ...args], { cwd, env })
}

async function send({ url }: ServerProcess, event: object, authorization = AUTHORIZATION): Promise<number> {
  const headers = { 'content-type': 'application/json', authorization, connection: 'close' }
  const answer = await fetch(`${url}/v1/track`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ userId: 'u', ...event })
  })
  await answer.arrayBuffer()
  return answer.status
}

async function follow({ adminUrl }: ServerProcess, query: string): Promise<{ rows: Json[]; close: () => void }> {
  const gone = new AbortController()
  const rows: Json[] = []
  const answer = await fetch(`${adminUrl}/api/stream${query}`, { signal: gone.signal })
  const read = async (): Promise<void> => {
    let text = ''
    for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const messages = text.split('\n\n')
      text = messages.pop() ?? ''
      for (const message of messages) {
        const data = /^data: (.*)$/m.exec(message)?.[1]
        if (data !== undefined) rows.push(...(JSON.parse(data) as { rows: Json[] }).rows)
      }
    }
  }
  read().catch(() => undefined)
  const watched = async (): Promise<number> => sumOf(await readMetrics(adminUrl), 'tributary_debugger_watchers')
  await until(async () => (await watched()) === WORKERS, { what: 'all workers to have a reader', timeoutMs: 20_000 })
  return { rows, close: () => gone.abort() }
}
