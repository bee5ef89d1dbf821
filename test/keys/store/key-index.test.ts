import t from 'tap'
import { createKeyIndex } from '../../../src/keys/store/key-index.ts'
import { MAX_WRITE_KEY_CHARS, maskWriteKey, newWriteKey } from '../../../src/keys/write-key.ts'
import type { Source } from '../../../src/model/source.ts'

const source: Source = { id: 'a', name: 'A', enabled: true, allowedOrigins: undefined, rateLimit: undefined }

t.test('a key of the maximum length is found, and a key with one character more is never found', async t => {
  const longest = 'k'.repeat(MAX_WRITE_KEY_CHARS)
  const find = createKeyIndex(new Map([[longest, source]]))
  t.equal(find(longest), source)
  t.equal(find(`${longest}k`), undefined)
})

t.test('a look-up takes less than a few microseconds of a request with ten thousand keys', async t => {
  const keys = Array.from({ length: 10_000 }, newWriteKey)
  const find = createKeyIndex(new Map(keys.map(key => [key, source])))
  const rounds = 20
  let fastest = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    for (const key of keys) find(key)
    fastest = Math.min(fastest, ((performance.now() - start) * 1000) / keys.length)
  }
  t.comment(`a look-up took ${fastest.toFixed(2)} us`)
  t.ok(fastest < 5, 'a look-up takes less than 5 us, also on a busy machine')
})

t.test('new keys are wk_ and 32 letters and digits, never twice the same', async t => {
  const keys = Array.from({ length: 1000 }, newWriteKey)
  t.equal(new Set(keys).size, 1000)
  for (const key of keys) t.match(key, /^wk_[0-9A-Za-z]{32}$/)
  t.equal(new Set(keys.join('').slice(3)).size >= 62, true, 'every letter and digit occurs')
})

t.test('a masked key shows its first 6 and last 3 characters, and of a short one less', async t => {
  t.equal(maskWriteKey('wk_abcdefghijklmnopqrstuvwxyz012345'), 'wk_abc…345')
  for (const key of ['a', 'abc', 'wk_a', 'wk_sample', 'x'.repeat(17)]) {
    const shown = maskWriteKey(key).length - 1
    t.ok(shown <= key.length / 4, key)
  }
})
