import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { untilAborted } from '../../../src/durability/archive/until-aborted.ts'
import { until } from '../../support/until.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const PIECE_BYTES = 1024 * 1024
const PIECES = 200
const MOST_BYTES = 20 * PIECE_BYTES

async function* pieces(): AsyncGenerator<Buffer> {
  for (let i = 0; i < PIECES; i++) yield Buffer.alloc(PIECE_BYTES, i)
}

t.test('only the last piece that was read stays in memory', async t => {
  const before = process.memoryUsage().arrayBuffers
  let count = 0
  for await (const piece of untilAborted(pieces(), new AbortController().signal)) {
    count += piece.length / PIECE_BYTES
    if (count % 50 !== 0) continue
    const heldBytes = (): number => {
      collectGarbage()
      return process.memoryUsage().arrayBuffers - before
    }
    // The stack may still hold pieces, and V8 frees the memory of buffers beside the program.
    await until(() => heldBytes() < MOST_BYTES, { what: 'the memory of earlier pieces to be freed', timeoutMs: 10_000 })
  }
  t.equal(count, PIECES)
})

t.test('an abort ends the reading at once, also while the reader waits for a piece', async t => {
  const stopping = new AbortController()
  async function* silent(): AsyncGenerator<number> {
    yield 1
    await new Promise(() => undefined)
  }
  const seen: number[] = []
  for await (const one of untilAborted(silent(), stopping.signal)) {
    seen.push(one)
    setTimeout(() => stopping.abort(), 10)
  }
  t.same(seen, [1])
})

t.test('the reader gets an error of the source', async t => {
  async function* failing(): AsyncGenerator<number> {
    yield 1
    throw new Error('Kafka is away')
  }
  const reading = (async () => {
    for await (const one of untilAborted(failing(), new AbortController().signal)) t.equal(one, 1)
  })()
  await t.rejects(reading, { message: 'Kafka is away' })
})
