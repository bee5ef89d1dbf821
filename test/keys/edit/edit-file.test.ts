import t from 'tap'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { parseTributaryFile as parse } from '../../../src/config/file/tributary-file.ts'
import { editFile } from '../../../src/keys/edit/edit-file.ts'
import { addKeyText, addSourceText, removeKeyText } from '../../../src/keys/edit/edit-text.ts'

const FILE = `# who sends
sources:
  - id: web            # the site
    name:    Marketing site
    writeKeys: [wk_a, wk_b]            # several at once
    rateLimit: { eventsPerSecond: 500 }        # optional

  # the app
  - id: ios
    writeKeys:
      - wk_c   # old
      # since May
      - wk_d

# where to
destinations:
- name: A
  topic:   t
`

/** The lines that differ, with a sign. */
function changes(before: string, after: string): string[] {
  const [old, young] = [before.split('\n'), after.split('\n')]
  return [
    ...old.filter(line => !young.includes(line)).map(line => `-${line}`),
    ...young.filter(line => !old.includes(line)).map(line => `+${line}`)
  ]
}

const keysOf = (text: string): string[] => [...parse(text, 'f').writeKeys].map(([key, { id }]) => `${id}:${key}`)

t.test('adding a key changes only its line', async t => {
  const flow = addKeyText(FILE, 'web', 'wk_new')
  t.strictSame(changes(FILE, flow), [
    '-    writeKeys: [wk_a, wk_b]            # several at once',
    '+    writeKeys: [wk_a, wk_b, wk_new]            # several at once'
  ])
  const block = addKeyText(FILE, 'ios', 'wk_new')
  t.strictSame(changes(FILE, block), ['+      - wk_new'])
  t.strictSame(keysOf(block), ['web:wk_a', 'web:wk_b', 'ios:wk_c', 'ios:wk_d', 'ios:wk_new'])
})

t.test('removing a key changes only its line', async t => {
  const removed = (id: string, key: string): string[] => changes(FILE, removeKeyText(FILE, id, key))
  t.match(removed('web', 'wk_a')[1], '+    writeKeys: [wk_b]            # several at once')
  t.match(removed('web', 'wk_b')[1], '+    writeKeys: [wk_a]            # several at once')
  t.strictSame(removed('ios', 'wk_c'), ['-      - wk_c   # old'])
  t.strictSame(removed('ios', 'wk_d'), ['-      # since May', '-      - wk_d'])
})

/** Keys a, b and c in different forms, in which each key has comments with its own letter and no other key's. */
const COMMENTED: [string, string][] = [
  [
    'above',
    'sources:\n  - id: s\n    writeKeys:\n      # of A\n      - a\n      # of B\n      - b\n      # of C\n      - c\n'
  ],
  ['beside', 'sources:\n  - id: s\n    writeKeys:\n      - a # of A\n      - b # of B\n      - c # of C\n'],
  [
    'beside, over lines',
    'sources:\n  - id: s\n    writeKeys:\n      - a # of A,\n          # A again\n      - b # of B,\n          # B again\n      - c # of C,\n          # C again\n'
  ],
  [
    'both',
    'sources:\n  - id: s\n    writeKeys:\n      # of A\n      - a # A too,\n          # A again\n      # of B\n      # and B\n      - b   # B too\n      # of C\n      - "c" # C too\n    name: S\n'
  ],
  [
    'a list over lines',
    'sources:\n  - id: s\n    writeKeys: [\n      a, # of A\n      b, # of B\n      c # of C\n    ]\n'
  ],
  [
    'a list over lines, comments above',
    'sources:\n  - id: s\n    writeKeys: [\n      # of A\n      a,\n      # of B\n      b,\n      # of C\n      c,\n    ]\n'
  ],
  [
    'a list that begins on its own line',
    'sources:\n  - id: s\n    writeKeys: [a, # of A\n                b, # of B\n                c # of C\n               ]\n'
  ],
  [
    'CRLF',
    'sources:\r\n  - id: s\r\n    writeKeys:\r\n      # of A\r\n      - a # A too\r\n      # of B\r\n      - b # B too\r\n      # of C\r\n      - c # C too\r\n'
  ]
]

/** The letters in the comments of each key, as a person assigns them: above it, beside it, aligned under it. */
function commentsByKey(text: string): Record<string, string> {
  const found: Record<string, string> = {}
  let above = ''
  let last = ''
  let column = -1
  for (const line of text.split(/\r?\n/)) {
    const [, lead = '', comment] = /^([^#]*)(#.*)?$/.exec(line) ?? []
    const letters = comment?.replaceAll(/[^A-C]/g, '') ?? ''
    const key = /\b([abc]|new)\b/.exec(lead.replace('writeKeys', ''))?.[1]
    if (key !== undefined) {
      found[key] = above + letters
      above = ''
      last = key
      column = comment === undefined ? -1 : lead.length
    } else if (comment !== undefined && lead.length === column) found[last] += letters
    else above += letters
  }
  return above === '' ? found : { ...found, nobody: above }
}

t.test('a removed key takes its comments with it, and every other key keeps its own', async t => {
  for (const [name, text] of COMMENTED) {
    const before = commentsByKey(text)
    t.match(before, { a: /^A+$/, b: /^B+$/, c: /^C+$/ }, `${name}: each key has its comments before the edit`)
    for (const key of ['a', 'b', 'c']) {
      const after = removeKeyText(text, 's', key)
      t.strictSame(
        keysOf(after),
        ['s:a', 's:b', 's:c'].filter(one => one !== `s:${key}`),
        `${name}: only ${key} is removed`
      )
      const { [key]: _gone, ...others } = before
      t.strictSame(commentsByKey(after), others, `${name}: without ${key} the other keys keep their comments\n${after}`)
    }
  }
})

t.test('a new key takes no comment of another key', async t => {
  for (const [name, text] of COMMENTED) {
    const after = addKeyText(text, 's', 'new')
    t.strictSame(keysOf(after), ['s:a', 's:b', 's:c', 's:new'], `${name}: the new key is the last one`)
    t.strictSame(
      commentsByKey(after),
      { ...commentsByKey(text), new: '' },
      `${name}: the new key has no comment\n${after}`
    )
  }
})

t.test('comments of the list and of what follows it stay, and so do keys that are commented out', async t => {
  const text = `sources:
  - id: s
    writeKeys: # turned each May
      # - wk_former
      - a # "one"
      # - wk_older
      - 'b # no comment'

      # the next source
  - id: s2
    writeKeys: [c, d] # two
`
  t.strictSame(changes(text, removeKeyText(text, 's', 'a')), ['-      - a # "one"'])
  t.strictSame(changes(text, removeKeyText(text, 's', 'b # no comment')), ["-      - 'b # no comment'"])
  t.strictSame(changes(text, removeKeyText(text, 's2', 'c')), [
    '-    writeKeys: [c, d] # two',
    '+    writeKeys: [d] # two'
  ])
})

t.test('JSON stays JSON, whichever key is removed or added', async t => {
  const text = '{ "sources": [\n  { "id": "s", "writeKeys": [\n    "a",\n    "b"\n  ] }\n] }\n'
  t.same(JSON.parse(removeKeyText(text, 's', 'a')), { sources: [{ id: 's', writeKeys: ['b'] }] })
  t.same(JSON.parse(removeKeyText(text, 's', 'b')), { sources: [{ id: 's', writeKeys: ['a'] }] })
  t.same(JSON.parse(addKeyText(text, 's', 'c')), { sources: [{ id: 's', writeKeys: ['a', 'b', 'c'] }] })
})

t.test('adding a source changes only its own lines, before what follows the sources', async t => {
  const added = addSourceText(FILE, { id: '7', name: 'Seven: #7' }, 'wk_new')
  t.strictSame(changes(FILE, added), ['+  - id: "7"', '+    name: "Seven: #7"', '+    writeKeys: [wk_new]'])
  t.ok(added.indexOf('wk_new') < added.indexOf('# where to'))
  t.match(parse(added, 'f').file.sources[2], { id: '7', name: 'Seven: #7' })
})

const FORMS: [string, string][] = [
  ['one line', 'sources: [{id: a, writeKeys: [k1, k2]}]'],
  ['JSON', '{"sources": [{"id": "a", "writeKeys": ["k1", "k2"]}]}\n'],
  [
    'JSON over lines',
    '{\n  "sources": [\n    {\n      "id": "a",\n      "writeKeys": [\n        "k1",\n        "k2"\n      ]\n    }\n  ]\n}\n'
  ],
  ['unindented lists', 'sources:\n- id: a\n  writeKeys:\n  - k1\n  - k2\n'],
  ['CRLF', 'sources:\r\n  - id: a\r\n    writeKeys:\r\n      - k1\r\n      - k2\r\n'],
  ['no line end', 'sources:\n  - writeKeys:\n      - k1\n      - k2\n    id: a'],
  ['wide indents', 'sources:\n    -   id: a\n        writeKeys:\n            -   "k1"\n            -   \'k2\'\n\n\n'],
  ['a trailing comma', 'sources:\n  - id: a\n    writeKeys: [\n      k1, # one\n      k2, # two\n    ]\n'],
  ['a block text at the end', 'sources:\n  - id: a\n    writeKeys: [k1, k2]\n    name: |-\n      A source\n'],
  [
    'a block text, and something behind it',
    'sources:\n  - id: a\n    writeKeys: [k1, k2]\n    name: |-\n      A source\ndestinations:\n  - { name: D, topic: t }\n'
  ],
  ['a byte order mark', '\uFEFFsources:\n  - id: a\n    writeKeys: [k1, k2]\n'],
  ['an anchor', 'sources:\n  - id: a\n    writeKeys: &keys [k1, k2]\n'],
  ['a document start', '---\nsources:\n  - id: a\n    writeKeys: [k1, k2]\n...\n'],
  [
    'keys that YAML needs quoted',
    'sources:\n  - id: a\n    writeKeys: [k1, "k2"]\n    allowedOrigins:\n      - https://a.example\n\n'
  ]
]

t.test('every way to write the file can be edited: the right keys change, and the file stays valid', async t => {
  for (const [name, text] of FORMS) {
    t.strictSame(keysOf(text), ['a:k1', 'a:k2'], `${name}: the keys are read`)
    const more = addKeyText(text, 'a', '#3')
    t.strictSame(keysOf(more), ['a:k1', 'a:k2', 'a:#3'], `${name}: a key is added`)
    for (const key of ['k1', 'k2', '#3']) {
      t.strictSame(
        keysOf(removeKeyText(more, 'a', key)),
        ['a:k1', 'a:k2', 'a:#3'].filter(one => one !== `a:${key}`),
        name
      )
    }
    const another = addSourceText(more, { id: 'b', name: 'B, the "second"' }, 'k4')
    t.strictSame(keysOf(another), ['a:k1', 'a:k2', 'a:#3', 'b:k4'], `${name}: a source with its key is added`)
    t.match(
      parse(another, 'f').file.sources[1],
      { id: 'b', name: 'B, the "second"' },
      `${name}: the new source has its name`
    )
    t.equal(another.includes('\r\n'), name === 'CRLF')
    t.equal(/(?<!\r)\n/.test(another), another.includes('\n') && name !== 'CRLF')
  }
})

t.test('a file with aliases is not edited, and its author must edit it', async t => {
  const text =
    'sources:\n  - &a\n    id: a\n    writeKeys: &k [k1, k2]\n    allowedOrigins: &o [https://a.example]\n  - id: b\n    writeKeys: [k3]\n    allowedOrigins: *o\n'
  t.strictSame(keysOf(addKeyText(text, 'b', 'k4')), ['a:k1', 'a:k2', 'b:k3', 'b:k4'])
  const alias = 'x: &x [k1, k2]\nsources:\n  - id: a\n    writeKeys: *x\n'
  t.throws(() => addKeyText(alias, 'a', 'k3'), { name: 'ConfigError', message: /edit it by hand/ })
})

const addWeb = (text: string): { text: string; added: string[]; removed: string[] } => ({
  text: addKeyText(text, 'web', 'wk_new'),
  added: ['wk_new'],
  removed: []
})

t.test('an edit keeps the mode and the owner of the file, and leaves no other file', async t => {
  const dir = t.testdir({ 't.yml': FILE })
  const file = join(dir, 't.yml')
  fs.chmodSync(file, 0o640)
  const root = process.getuid?.() === 0
  if (root) fs.chownSync(file, 1234, 2345)
  const before = fs.statSync(file)
  await editFile({ file, parse, edit: addWeb })
  const after = fs.statSync(file)
  t.match(after, { mode: before.mode, uid: before.uid, gid: before.gid })
  t.not(after.ino, before.ino, 'the file was replaced in one step')
  t.equal(fs.readFileSync(file, 'utf8'), addKeyText(FILE, 'web', 'wk_new'))
  t.strictSame(fs.readdirSync(dir), ['t.yml'])
})

t.test('an edit through a symlink replaces the file behind it', async t => {
  const dir = t.testdir({ real: { 'r.yml': FILE } })
  fs.symlinkSync(join('real', 'r.yml'), join(dir, 't.yml'))
  await editFile({ file: join(dir, 't.yml'), parse, edit: addWeb })
  t.equal(fs.lstatSync(join(dir, 't.yml')).isSymbolicLink(), true)
  t.match(fs.readFileSync(join(dir, 'real', 'r.yml'), 'utf8'), /wk_new/)
})

t.test('an edit that would make the file invalid, or change other keys than it says, is not written', async t => {
  const dir = t.testdir({ 't.yml': FILE, 'bad.yml': 'sources: []\n' })
  const file = join(dir, 't.yml')
  const none = { added: [], removed: [] }
  const edits: [string, { text: string; added: string[]; removed: string[] }, RegExp][] = [
    [file, { text: `${FILE}x: 1\n`, ...none }, /t\.yml:\d+:1: "x" is not a known key/],
    [file, { ...addWeb(FILE), added: [] }, /edit it by hand/],
    [file, { text: FILE, added: [], removed: ['wk_a'] }, /edit it by hand/],
    [join(dir, 'bad.yml'), { text: FILE, ...none }, /bad\.yml:1:10/],
    [join(dir, 'none.yml'), { text: FILE, ...none }, /none\.yml: no such file/]
  ]
  for (const [target, result, message] of edits) {
    await t.rejects(editFile({ file: target, parse, edit: () => result }), { name: 'ConfigError', message })
  }
  t.equal(fs.readFileSync(file, 'utf8'), FILE)
  t.strictSame(fs.readdirSync(dir), ['bad.yml', 't.yml'])
})

t.test('an edit is given up if somebody saved the file meanwhile', async t => {
  const file = join(t.testdir({ 't.yml': FILE }), 't.yml')
  const edit = (text: string): ReturnType<typeof addWeb> => {
    fs.writeFileSync(file, `${FILE}# theirs\n`)
    return addWeb(text)
  }
  await t.rejects(editFile({ file, parse, edit }), { message: /somebody else has changed it/ })
  t.equal(fs.readFileSync(file, 'utf8'), `${FILE}# theirs\n`)
})

t.test('concurrent edits wait for each other, also after a process was killed in the middle of one', async t => {
  const dir = t.testdir({ 't.yml': FILE, '.t.yml.lock': '' })
  const file = join(dir, 't.yml')
  const longAgo = new Date(Date.now() - 60_000)
  fs.utimesSync(join(dir, '.t.yml.lock'), longAgo, longAgo)
  const keys = Array.from({ length: 20 }, (_, index) => `wk_${index}`)
  const add = async (key: string): Promise<void> =>
    editFile({ file, parse, edit: text => ({ text: addKeyText(text, 'web', key), added: [key], removed: [] }) })
  await Promise.all(keys.map(add))
  const inFile = keysOf(fs.readFileSync(file, 'utf8'))
  t.strictSame(
    keys.filter(key => !inFile.includes(`web:${key}`)),
    []
  )
  t.strictSame(fs.readdirSync(dir), ['t.yml'])
})
