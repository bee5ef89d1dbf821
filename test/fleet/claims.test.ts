import { createHash } from 'node:crypto'
import t from 'tap'
import { Claims } from '../../src/fleet/claims/claims.ts'
import type { UsedIds } from '../../src/oauth/used-ids.ts'
import { shareUsedIds } from '../../src/oauth/used-ids.ts'
import { MemoryTopics } from '../support/memory-topics.ts'

const KEEP_MS = 180_000
const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex')

t.test('if servers claim the same id at once, exactly one gets it', async t => {
  const topics = new MemoryTopics()
  const servers = Array.from({ length: 5 }, () => new Claims({ topics, keepMs: KEEP_MS, monotonic: () => 0 }))
  for (let round = 0; round < 20; round++) {
    const won = await Promise.all(servers.map(server => server.claim(digestOf(`id ${round}`))))
    t.equal(won.filter(Boolean).length, 1)
  }
  const [first] = servers
  t.equal(await first?.claim(digestOf('id 7')), false, 'no server gets the id later')
  const late = new Claims({ topics, keepMs: KEEP_MS, monotonic: () => 0 })
  t.equal(await late.claim(digestOf('id 7')), false, 'a server that starts later does not get the id')
  t.equal(await late.claim(digestOf('another')), true)
})

t.test('a claim expires after its time, so that memory is bounded', async t => {
  const topics = new MemoryTopics()
  let now = 0
  const claims = new Claims({ topics, keepMs: KEEP_MS, monotonic: () => now })
  t.equal(await claims.claim(digestOf('a')), true)
  now = KEEP_MS
  t.equal(await claims.claim(digestOf('a')), false)
  now = KEEP_MS + 61_000
  t.equal(await claims.claim(digestOf('b')), true)
  t.equal(await claims.claim(digestOf('a')), true)
})

t.test('while Kafka is away an id can be used once on each machine, and the log says so once', async t => {
  const used = new Set<string>()
  const own: UsedIds = {
    async use(app, jti) {
      const isFirst = !used.has(app + jti)
      used.add(app + jti)
      return isFirst ? 'first' : 'replayed'
    }
  }
  const warnings: string[] = []
  const log = { warn: (_facts: object, message: string) => void warnings.push(message) }
  const claim = async (): Promise<boolean> => {
    throw new Error('Kafka is away')
  }
  const ids = shareUsedIds({ own, claim, log })
  t.equal(await ids.use('app', 'one'), 'first')
  t.equal(await ids.use('app', 'one'), 'replayed')
  t.equal(await ids.use('app', 'two'), 'first')
  t.equal(warnings.length, 1)
  const shared = shareUsedIds({ own, claim: async () => false, log })
  t.equal(await shared.use('app', 'three'), 'replayed', 'an id that another server claimed is not accepted')
})
