import t from 'tap'
import { Scratch } from '../../../../src/durability/kafka/encode/scratch.ts'

const MIB = 1024 * 1024

t.test('allocated pieces are adjacent, and after a clear the same memory is used again', async t => {
  const scratch = new Scratch()
  const [one, other] = [scratch.take(1_000), scratch.take(2_000)]
  t.strictSame([one.length, other.length], [1_000, 2_000])
  t.equal(other.byteOffset, one.byteOffset + 1_000)
  scratch.clear()
  const again = scratch.take(500)
  t.equal(again.buffer, one.buffer)
  t.equal(again.byteOffset, one.byteOffset)
})

t.test('allocated pieces stay unchanged when more memory is needed', async t => {
  const scratch = new Scratch()
  const small = scratch.take(1_000).fill(1)
  const large = scratch.take(MIB).fill(2)
  t.ok(small.every(byte => byte === 1))
  scratch.clear()
  t.equal(scratch.take(MIB).buffer, large.buffer)
  t.ok(large.every(byte => byte === 2))
})

t.test('memory above the kept amount is not kept', async t => {
  const scratch = new Scratch()
  const usual = scratch.take(2 * MIB)
  t.equal(usual.buffer.byteLength, 2 * MIB)
  scratch.clear()
  const huge = scratch.take(2 * MIB + 1)
  t.equal(huge.length, 2 * MIB + 1)
  t.equal(scratch.take(10).buffer, usual.buffer)
})
