/** A rejected record names the refused call and its path, even if the event itself does not. */
import t from 'tap'
import { BATCH_PATHS, singlePaths } from '../../../src/http/paths.ts'
import { restoreRecord } from '../../../src/ingest/route/restore.ts'
import { createRouter } from '../../../src/ingest/route/route.ts'
import { EVENT_TYPES } from '../../../src/model/event-types.ts'
import { basic, post, startApp } from '../../support/app.ts'
import type { TestApp } from '../../support/app.ts'

type Json = Record<string, unknown>

function takeRecords({ sink }: TestApp): { value: Json; type: string; topics: readonly string[]; line: Buffer }[] {
  return sink.records.splice(0).map(({ line, type, topics }) => {
    return { value: JSON.parse(line.toString()) as Json, type, topics, line }
  })
}

t.test('a refused single call has the type of its path, whatever its body says, on every path', async t => {
  const app = await startApp(t, { env: { REJECTED_TOPIC: 'rejected.{type}' } })
  const own = [undefined, 'page', 'nothing', 5, null]
  for (const type of EVENT_TYPES) {
    for (const path of singlePaths(type)) {
      for (const [i, ownType] of own.entries()) {
        const event = { userId: 7, messageId: `${path}-${i}`, ...(ownType === undefined ? {} : { type: ownType }) }
        const { status } = await post(`${app.url}${path}?writeKey=wk_test`, event, { authorization: basic() })
        t.equal(status, 400)
        const [record, ...more] = takeRecords(app)
        t.same(more, [])
        t.match(
          record?.value,
          { type, path, code: 'id_not_string', event: { userId: 7 } },
          `${path} with the type ${String(ownType)} has the type of its path`
        )
        t.same(
          (record?.value['event'] as Json | undefined)?.['type'],
          ownType,
          'the event is stored as it was received'
        )
        t.match(record, { type, topics: [`rejected.${type}`] })
      }
    }
  }
})

t.test('a refused event of a batch has its own type, and an unknown type if it names none', async t => {
  const app = await startApp(t, { env: { REJECTED_TOPIC: 'rejected.{type}' } })
  for (const path of BATCH_PATHS) {
    const batch = [{ type: 'identify' }, { type: 'nothing' }, { userId: 'u' }, 5].map((event, i) =>
      typeof event === 'number' ? event : { ...event, messageId: `${path}-${i}` }
    )
    await post(`${app.url}${path}`, { batch })
    const records = takeRecords(app)
    t.same(records.map(({ value }) => [value['type'], value['path']]).slice(0, 3), [
      ['identify', path],
      ['unknown', path],
      ['unknown', path]
    ])
    t.same(records[0]?.topics, ['rejected.identify'])
  }
})

t.test('a refused pixel has its type and its path', async t => {
  const app = await startApp(t)
  await fetch(`${app.url}/v1/pixel/identify?writeKey=wk_test&userId=`)
  t.match(takeRecords(app)[0]?.value, { type: 'identify', path: '/v1/pixel/identify', code: 'no_user_anon_id' })
})

t.test('the same body refused as two types is kept as two records', async t => {
  const app = await startApp(t)
  for (const type of ['identify', 'page', 'identify']) await post(`${app.url}/v1/${type}`, {})
  t.same(
    takeRecords(app).map(({ value }) => value['type']),
    ['identify', 'page'],
    'a repeated body is not stored again'
  )
})

t.test('a record that waited on disk goes to the topic of its type', async t => {
  const app = await startApp(t)
  const router = createRouter({ eventsTopic: 'events', rejectedTopic: 'rejected.{type}', destinations: [] })
  const restored = (line: string) => restoreRecord(Buffer.from(line), router)
  await post(`${app.url}/v1/group`, { userId: 'u' })
  const [record] = takeRecords(app)
  const line = record?.line.toString() ?? ''
  t.match(restored(line), { kind: 'rejected', type: 'group', topics: ['rejected.group'] })
  const { type: _type, path: _path, ...old } = JSON.parse(line) as Json
  t.match(
    restored(JSON.stringify(old)),
    { type: 'unknown', topics: ['rejected.unknown'] },
    'a record of an earlier version gets the type unknown'
  )
  const named = { ...old, event: { type: 'page' } }
  t.match(
    restored(JSON.stringify(named)),
    { type: 'page', topics: ['rejected.page'] },
    'a record of an earlier version gets the type of its event'
  )
})
