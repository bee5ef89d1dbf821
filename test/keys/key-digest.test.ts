import t from 'tap'
import { parseTributaryFile } from '../../src/config/file/tributary-file.ts'
import { digestKeys } from '../../src/keys/edit/digest-keys.ts'
import { matchTypedKey, readKeyEntry, toDigestEntry } from '../../src/keys/key-digest.ts'
import { createKeyIndex } from '../../src/keys/store/key-index.ts'
import { newWriteKey } from '../../src/keys/write-key.ts'

const parse = (text: string) => parseTributaryFile(text, 'tributary.yml')

t.test('a key that is stored as its digest is valid for its holder, and the digest itself is not a key', async t => {
  const key = newWriteKey()
  const entry = toDigestEntry(key)
  for (const written of [entry, entry.slice(0, 71)]) {
    const { writeKeys, file } = parse(`sources: [{ id: web, writeKeys: ["${written}"] }]`)
    const find = createKeyIndex(writeKeys)
    t.equal(find(key), file.sources[0])
    for (const guess of [written, entry.slice(7, 71), `${key}x`, '']) t.equal(find(guess), undefined)
  }
})

t.test('a digest entry contains the length of its key and the part that may be shown, never the key', async t => {
  const key = newWriteKey()
  const entry = toDigestEntry(key)
  t.notMatch(entry, key)
  t.same(readKeyEntry(entry), { ...readKeyEntry(key), key: undefined })
  t.equal(toDigestEntry(entry), entry, 'a digest is not digested again')
  t.match(readKeyEntry(entry.slice(0, 71)), { length: 35, shown: `sha256:${entry.slice(7, 15)}…` })
})

const WRITTEN = `# web had wk_0123456789abcdefghijABCDEFGHIJ01 before
sources:
  - id: web # the site
    writeKeys: [wk_aaaaaaaaaaaaaaaaaaaa, 'odd"key',   "wk_bbbbbbbbbbbbbbbbbbbb"]   # two
  - { id: ios, "writeKeys": [short] }
  - id: tv
    writeKeys:
      - wk_cccccccccccccccccccc # living room
      # - wk_0123456789abcdefghijABCDEFGHIJ02
`

t.test('the text of a file is digested only where its keys are', async t => {
  const digested = digestKeys(WRITTEN)
  const [before, after] = [parse(WRITTEN), parse(digested)]
  t.same(after.file.sources, before.file.sources)
  t.same([...after.writeKeys.keys()], [...before.writeKeys.keys()].map(toDigestEntry))
  for (const key of before.writeKeys.keys()) {
    t.notMatch(digested.replaceAll(/:[^:"]*"/g, ''), key, 'the text contains no key')
    t.same(createKeyIndex(after.writeKeys)(key)?.id, createKeyIndex(before.writeKeys)(key)?.id)
  }
  t.match(digested, '# web had wk_012…J01 before', 'a generated key in a comment is masked')
  t.match(digested, '"]   # two\n', 'the text beside a key is unchanged')
  t.match(digested, ' # living room\n')
  t.equal(digestKeys(digested), digested, 'a second call changes nothing')
})

t.test('keys behind anchors, aliases and in JSON are digested too', async t => {
  for (const text of [
    'sources:\n  - id: a\n    writeKeys: &k [wk_anchored1234567890]\n    name: b\n',
    'sources:\n  - id: a\n    writeKeys: [&one wk_anchored1234567890]\n',
    '{"sources":[{"id":"a","writeKeys":["wk_anchored1234567890"]}]}'
  ]) {
    const digested = digestKeys(text)
    t.notMatch(digested, 'wk_anchored1234567890')
    t.same([...parse(digested).writeKeys.keys()], [toDigestEntry('wk_anchored1234567890')])
  }
})

t.test('a key can be given by the whole key, by its beginning and by the part that is shown of it', async t => {
  const key = 'wk_8fQabcdefghijklmnopqrstuvwxyzx2Z'
  for (const entry of [key, toDigestEntry(key)]) {
    t.equal(matchTypedKey(entry, key), 'exactly')
    t.equal(matchTypedKey(entry, entry), 'exactly')
    for (const typed of ['wk_8f', 'wk_8fQ', 'wk_8fQ…x2Z']) t.equal(matchTypedKey(entry, typed), 'perhaps', typed)
    for (const typed of ['wk_9', 'x2Z', 'wk_8fQ...x2Z.']) t.equal(matchTypedKey(entry, typed), 'no', typed)
  }
  t.equal(matchTypedKey(key, 'wk_8fQabcd'), 'perhaps')
  t.equal(
    matchTypedKey(toDigestEntry(key), 'wk_8fQabcd'),
    'no',
    'more characters than the digest shows cannot be compared'
  )
})
