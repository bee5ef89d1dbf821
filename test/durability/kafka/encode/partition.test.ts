import fc from 'fast-check'
import t from 'tap'
import { partitionOf } from '../../../../src/durability/kafka/encode/partition.ts'
import { javaPartition } from '../../../support/java-partition.ts'

/** The partition of a key between other bytes, as in a request. */
function ours(key: string, partitions: number): number {
  const bytes = Buffer.from(`{"${key}"}`)
  return partitionOf(bytes, { start: 2, end: bytes.length - 2 }, partitions)
}

t.test('every key goes to the partition that Java computes', async t => {
  for (const key of ['', 'a', 'ab', 'abc', 'abcd', 'user-1', 'Zoë', '用户', '👩‍🚀', '\u0000', '\ud800']) {
    for (const partitions of [1, 2, 3, 6, 7, 12, 100]) {
      t.equal(
        ours(key, partitions),
        javaPartition(key, partitions),
        `Java computes the same for the key ${JSON.stringify(key)} and ${partitions} partitions`
      )
    }
  }
})

t.test('any key and any number of partitions give the same result as Java', async t => {
  const anyKey = fc.string({ unit: 'binary', maxLength: 200 })
  fc.assert(
    fc.property(anyKey, fc.integer({ min: 1, max: 10_000 }), (key, partitions) => {
      return ours(key, partitions) === javaPartition(key, partitions)
    }),
    { numRuns: 2_000 }
  )
  t.pass('2,000 keys were compared')
})
