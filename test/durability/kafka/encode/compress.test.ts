import { randomBytes } from 'node:crypto'
import * as client from '@platformatic/kafka'
import t from 'tap'
import { codecOf } from '../../../../src/durability/kafka/encode/compress.ts'
import { createRecordEncoder } from '../../../../src/durability/kafka/encode/message.ts'
import { encodeBatch } from '../../../../src/durability/kafka/encode/record-batch.ts'
import { Scratch } from '../../../../src/durability/kafka/encode/scratch.ts'
import { COMPRESSIONS } from '../../../../src/model/record.ts'
import { testRecord } from '../../../support/records.ts'

const ATTRIBUTES_AT = 21
const origin = { producerId: 7n, producerEpoch: 0, firstSequence: 3 }

function batchOf(
  values: readonly string[],
  compression: (typeof COMPRESSIONS)[number],
  scratch = new Scratch()
): Buffer {
  const encode = createRecordEncoder()
  const records = values.map(value => encode(testRecord({ line: Buffer.from(`${value}\n`), topics: ['a'] })))
  return encodeBatch(records, origin, { scratch, codec: codecOf(compression) })
}

for (const compression of COMPRESSIONS) {
  t.test(`${compression}: the client's own reader finds every record, of one block and of many`, async t => {
    for (const count of [1, 20, 2_000]) {
      const values = Array.from({ length: count }, (_, at) => JSON.stringify({ at, event: 'Order Completed' }))
      const batch = batchOf(values, compression)
      const read = client.readRecordsBatch(client.Reader.from(batch))
      t.strictSame(
        read.records.map(({ value }) => String(value)),
        values
      )
      t.strictSame([read.producerId, read.firstSequence], [7n, 3])
    }
  })
}

t.test('similar events take less than half of the bytes, with each codec', async t => {
  const values = Array.from({ length: 100 }, (_, at) => JSON.stringify({ at, event: 'Order Completed', source: 'web' }))
  const plain = batchOf(values, 'none').length
  for (const compression of COMPRESSIONS.slice(1)) t.ok(batchOf(values, compression).length < plain / 2, compression)
})

t.test('data that a codec does not make smaller is sent uncompressed', async t => {
  const noise = randomBytes(20_000).toString('latin1').replaceAll('\n', ' ')
  for (const compression of ['snappy', 'lz4'] as const) {
    const batch = batchOf(['x'], compression)
    t.equal(batch.readInt16BE(ATTRIBUTES_AT), 0, 'a single small record is not compressed')
    t.ok(batchOf([noise], compression).length <= batchOf([noise], 'none').length)
  }
})

t.test('a request of several batches keeps each of them, although all are built in the same memory', async t => {
  const scratch = new Scratch()
  const first = batchOf(['{"a":1}'.repeat(500)], 'gzip', scratch)
  const copy = Buffer.from(first)
  for (let at = 0; at < 50; at++) batchOf(['{"b":2}'.repeat(5_000)], 'zstd', scratch)
  t.ok(first.equals(copy))
})
