import { randomUUID } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { openIds } from '../../src/app/parts/ids.ts'
import { followConfigTopic } from '../../src/fleet/config/config-topic.ts'
import { createDedupe } from '../../src/ingest/dedupe/dedupe.ts'
import type { IdStore } from '../../src/ingest/dedupe/id-store.ts'
import { systemClock } from '../../src/model/clock.ts'
import { MemoryTopics } from '../support/memory-topics.ts'
import { ownFolder } from '../support/own-folder.ts'
import { until } from '../support/until.ts'

const logger = { warn: (fields: object, message: string) => t.fail(message, fields) }
const config = { dedup: { maxIds: 10_000, windowMs: 3_600_000 }, dedupShare: true }

/** The part of a server that handles messageIds. */
interface IdServer {
  readonly ids: IdStore
  readonly dataDir: string
  /** Whether an event with this id is new. The event is durable afterwards. */
  take(id: string): boolean
}

interface Options {
  readonly dedupShare?: boolean
  readonly shareIds?: Parameters<typeof openIds>[0]['shareIds']
}

async function startServer(dataDir: string, topics: MemoryTopics, options: Options = {}): Promise<IdServer> {
  const { shareIds, dedupShare = true } = options
  const base = { clock: systemClock, shareIds, config: { ...config, dataDir, dedupShare }, logger }
  const ids = await openIds(base, { topics, config: { topic: followConfigTopic({ topics }) } })
  const dedupe = createDedupe(ids.windowOf)
  return {
    ids,
    dataDir,
    take(id) {
      const claims = dedupe.begin('web')
      const bytes = Buffer.from(id)
      const claim = claims.claim(bytes, 0, bytes.length)
      claims.commit()
      return claim === 'new'
    }
  }
}

const sizeOf = ({ ids }: IdServer): number => ids.sizes().find(([name]) => name === 'web')?.[1] ?? 0

function knows(server: IdServer, count: number): Promise<void> {
  return until(() => sizeOf(server) >= count, { what: `the server to know ${count} ids`, timeoutMs: 60_000 })
}

const seedOf = ({ dataDir }: IdServer): string => readFileSync(join(dataDir, 'dedupe', 'seed.json'), 'utf8')

async function closeAll(...servers: readonly IdServer[]): Promise<void> {
  await Promise.all(servers.map(({ ids }) => ids.close()))
}

function folders(t: Test, ...names: readonly string[]): string[] {
  const root = ownFolder(t, {})
  return names.map(name => join(root, name))
}

t.test('an id that one server made durable is a duplicate on all others as soon as they have started', async t => {
  const [dirA = '', dirB = '', dirC = ''] = folders(t, 'a', 'b', 'c')
  const topics = new MemoryTopics()
  const a = await startServer(dirA, topics)
  const b = await startServer(dirB, topics)
  t.ok(a.take('one'))
  await knows(b, 1)
  t.notOk(b.take('one'))
  t.ok(b.take('two'))
  await knows(a, 2)
  t.notOk(a.take('two'))
  const c = await startServer(dirC, topics)
  t.same([c.take('one'), c.take('two'), c.take('three')], [false, false, true], 'a new server knows both ids')
  await knows(a, 3)
  await closeAll(c)
  rmSync(dirC, { recursive: true })
  const again = await startServer(dirC, topics)
  t.same(
    [again.take('one'), again.take('two'), again.take('three')],
    [false, false, false],
    'a server that lost its disk knows all three ids'
  )
  t.same(new Set([a, b, again].map(seedOf)).size, 1, 'all servers hash with one seed')
  await closeAll(a, b, again)
})

t.test('ids that a server knew before it became the first member of a fleet stay known', async t => {
  const [dir = ''] = folders(t, 'a')
  const alone = await startServer(dir, new MemoryTopics(), { dedupShare: false })
  t.ok(alone.take('before'))
  const seed = seedOf(alone)
  await closeAll(alone)
  const first = await startServer(dir, new MemoryTopics())
  t.notOk(first.take('before'))
  t.equal(seedOf(first), seed)
  await closeAll(first)
})

t.test('with DEDUP_SHARE=off a server sends no ids to others and receives none', async t => {
  const [dirA = '', dirB = ''] = folders(t, 'a', 'b')
  const topics = new MemoryTopics()
  const a = await startServer(dirA, topics, { dedupShare: false })
  const b = await startServer(dirB, topics)
  t.ok(b.take('one'))
  await until(() => topics.records(topics.names.seen).length === 1, { what: 'b to send its id', timeoutMs: 60_000 })
  t.ok(a.take('one'))
  t.ok(a.take('two'))
  await closeAll(a)
  await closeAll(b)
  t.equal(topics.records(topics.names.seen).length, 1)
})

t.test(
  'the workers of one server send ids to the fleet under one name, and ignore what other workers of this server sent',
  async t => {
    const [dir0 = '', dir1 = '', dirB = ''] = folders(t, '0', '1', 'b')
    const topics = new MemoryTopics()
    const overIpc: string[] = []
    const sender = randomUUID()
    const shareIds = { seed: [1, 2] as const, sender, others: [], onKept: (name: string) => void overIpc.push(name) }
    const worker0 = await startServer(dir0, topics, { shareIds })
    const worker1 = await startServer(dir1, topics, { shareIds })
    const b = await startServer(dirB, topics)
    t.ok(worker0.take('one'))
    t.same(overIpc, ['web'], 'the other worker gets the id over IPC')
    await knows(b, 1)
    t.equal(sizeOf(worker1), 0, 'the other worker gets no id over Kafka')
    t.ok(b.take('two'))
    await Promise.all([knows(worker0, 2), knows(worker1, 1)])
    t.same([worker0.take('two'), worker1.take('two'), b.take('one')], [false, false, false])
    t.same([worker0, worker1, b].map(seedOf), ['[1,2]', '[1,2]', '[1,2]'])
    await closeAll(worker0, worker1, b)
  }
)
