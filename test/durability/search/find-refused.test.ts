import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findRefused } from '../../../src/durability/search/find-refused.ts'
import { createRefusedFile } from '../../../src/durability/spool/refused-file.ts'

const now = (): number => Date.parse('2026-11-23T12:00:00Z')

t.test(
  'a refused record is found by its messageId, with its topic, its own bytes and the position of its line',
  async t => {
    const dataDir = t.testdir()
    const dir = join(dataDir, 'spool')
    mkdirSync(dir)
    const file = createRefusedFile({ dir, maxBytes: 1_000_000, now })
    const lineOf = (messageId: string): Buffer => Buffer.from(`{"messageId":"${messageId}","n":12345678901234567890}\n`)
    await file.keep([{ line: lineOf('a'), topic: 'first', reason: 'too large' }])
    appendFileSync(join(dir, 'refused.jsonl'), '{"torn":"b')
    await file.keep([
      { line: lineOf('b'), topic: 'second', reason: 'ü' },
      { line: lineOf('ab'), topic: 'third', reason: 'too large' },
      { line: Buffer.from('{"event":{"messageId":"b"},"code":"x"}\n'), topic: 'rejected', reason: 'too large' }
    ])
    const found = await findRefused(dataDir, 'b')
    t.strictSame(
      found.map(({ place, line, value }) => [place.topic, line, value]),
      [
        ['second', 3, '{"messageId":"b","n":12345678901234567890}'],
        ['rejected', 5, '{"event":{"messageId":"b"},"code":"x"}']
      ]
    )
    const bytes = readFileSync(join(dir, 'refused.jsonl'))
    for (const { place } of found) {
      t.equal(place.file, join('spool', 'refused.jsonl'))
      t.match(bytes.subarray(place.position).toString().split('\n')[0], `"topic":"${place.topic}"`)
    }
    t.strictSame(await findRefused(dataDir, 'c'), [])
  }
)

t.test('without refused records nothing is found, and there is no error', async t => {
  t.strictSame(await findRefused(t.testdir(), 'a'), [])
})
