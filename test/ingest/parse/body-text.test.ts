import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import t from 'tap'
import { parseBody } from '../../../src/ingest/parse/body.ts'
import { bodyTextOf } from '../../../src/ingest/parse/body-text.ts'
import type { BodyText } from '../../../src/ingest/parse/body-text.ts'
import { DEFAULT_LIMITS } from '../../../src/model/limits.ts'

/** More than three windows. No two positions of it look alike. */
const ASCII = Array.from({ length: 20_000 }, (_, i) => String(i)).join()

t.test('any pieces of a body, in any order, have the right text, wherever the windows end', async t => {
  const place = fc.nat({ max: ASCII.length })
  const pieces = fc.array(fc.tuple(place, fc.oneof(fc.nat({ max: 50 }), fc.nat({ max: 40_000 }))), { maxLength: 20 })
  fc.assert(
    fc.property(pieces, pieces => {
      const { text, ownText } = bodyTextOf(Buffer.from(ASCII)) as BodyText
      return pieces.every(([start, length]) => {
        const end = Math.min(start + length, ASCII.length)
        return text(start, end) === ASCII.slice(start, end) && ownText(start, end) === ASCII.slice(start, end)
      })
    }),
    { numRuns: 500 }
  )
  t.pass('500 lists of pieces were compared')
})

t.test('positions are bytes, also if characters have several bytes', async t => {
  const { text, ownText } = bodyTextOf(Buffer.from('aé€b')) as BodyText
  t.equal(text(1, 6), 'é€')
  t.equal(ownText(3, 7), '€b')
})

t.test('bytes that are not UTF-8 have no text', async t => {
  t.equal(bodyTextOf(Buffer.from([0x61, 0xff])), undefined)
})

t.test(
  'the sentAt of a batch, which lives as long as its request, keeps no other text of the body in memory',
  async t => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const padding = 'x'.repeat(60_000)
    const body = Buffer.from(
      JSON.stringify({ batch: [{ type: 'track', userId: 'u', event: padding }], sentAt: '2026-11-29T12:00:00.000Z' })
    )
    const sentAtOf = (): object | undefined => {
      const parsed = parseBody(body, { endpoint: 'batch', limits: DEFAULT_LIMITS })
      return parsed.ok ? parsed.body.envelope.sentAt : undefined
    }
    sentAtOf()
    collect()
    const before = process.memoryUsage().heapUsed
    const kept = Array.from({ length: 1_000 }, sentAtOf)
    collect()
    const bytes = (process.memoryUsage().heapUsed - before) / kept.length
    t.strictSame(kept[999], { json: '"2026-11-29T12:00:00.000Z"', time: Date.parse('2026-11-29T12:00:00.000Z') })
    t.ok(bytes < 1_024, `each of ${kept.length} values keeps ${Math.round(bytes)} bytes`)
  }
)
