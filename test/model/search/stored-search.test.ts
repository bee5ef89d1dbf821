/** The order in which the places of a messageId are searched. */
import t from 'tap'
import { type PlacedRecord, searchStored, type StoredPlace } from '../../../src/model/search/stored-search.ts'

const RECEIVED = '2026-11-29T08:00:00.000Z'
const value = JSON.stringify({ receivedAt: RECEIVED })
const inKafka = { place: { store: 'kafka' }, value } as const
const inSpool = { place: { store: 'spool' }, value } as const
const inLog = { place: { store: 'log' }, value } as const
const inArchive = { place: { store: 'archive' }, value } as const

type Stored = Partial<Record<StoredPlace, readonly PlacedRecord[]>>

/** Searches places that contain these records. Resolves with what was found, and what was searched, Kafka from when. */
async function search(stored: Stored, since?: number) {
  const searched: unknown[] = []
  const found = await searchStored(async (place, from) => {
    searched.push(from === undefined ? place : `${place} from ${new Date(from).toISOString()}`)
    return stored[place] ?? []
  }, since)
  return { found, searched }
}

t.test(
  'A line of the spool does not hide the record in Kafka, which is searched from when it was received',
  async t => {
    const { found, searched } = await search({ kafka: [inKafka], log: [inSpool] })
    t.strictSame(found, [inKafka, inSpool], 'the place in Kafka comes first')
    t.strictSame(searched, ['log', `kafka from ${RECEIVED}`])
  }
)

t.test(
  'A line of the spool is the place of an event that Kafka does not have, and the archive is not searched',
  async t => {
    t.strictSame(await search({ log: [inSpool], archive: [inArchive] }), {
      found: [inSpool],
      searched: ['log', `kafka from ${RECEIVED}`]
    })
  }
)

t.test('A spooled record that does not say when it was received is looked for in the last hour of Kafka', async t => {
  // Masking a write key that is a number leaves no JSON.
  for (const value of ['{"messageId":"m"}', '{"properties":{"n":****}}', 'null']) {
    let from: number | undefined
    const found = await searchStored<PlacedRecord>(async (place, since) => {
      if (place === 'kafka') from = since
      return place === 'log' ? [{ ...inSpool, value }] : []
    }, undefined)
    t.strictSame([from, found.length], [Infinity, 1], value)
  }
})

t.test('An event in the log is looked for nowhere else', async t => {
  t.strictSame(await search({ log: [inLog], kafka: [inKafka] }), { found: [inLog], searched: ['log'] })
})

t.test('An event that is in neither is looked for in the archive', async t => {
  t.strictSame(await search({ archive: [inArchive] }), { found: [inArchive], searched: ['log', 'kafka', 'archive'] })
})

t.test(
  'Where memory knows when a spooled event was received, Kafka is searched before the disk has answered',
  async t => {
    const disk = Promise.withResolvers<readonly PlacedRecord[]>()
    const found = searchStored<PlacedRecord>(async (place, since) => {
      if (place === 'log') return await disk.promise
      disk.resolve([inSpool])
      t.strictSame([place, since], ['kafka', 7])
      return [inKafka]
    }, 7)
    t.strictSame(await found, [inKafka, inSpool])
  }
)
