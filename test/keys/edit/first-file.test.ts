import t from 'tap'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { parseTributaryFile } from '../../../src/config/file/tributary-file.ts'
import { createConfigFile, ensureConfigFile } from '../../../src/keys/edit/first-file.ts'

t.test('the first start makes a valid file with one source, for its owner alone, and reports its key', async t => {
  const dir = t.testdir({})
  const file = join(dir, 'tributary.yml')
  const key = await ensureConfigFile({ file, given: false })
  t.match(key, /^wk_[0-9A-Za-z]{32}$/)
  const text = fs.readFileSync(file, 'utf8')
  const { file: content, writeKeys } = parseTributaryFile(text, file)
  t.match(content.sources, [{ id: 'default', enabled: true }])
  t.strictSame([...writeKeys.keys()], [key])
  t.equal(fs.statSync(file).mode & 0o777, 0o600)
  t.match(text, /^# .*\$schema=.*schemas\/config\.schema\.json\n/)
  const schema = /\$schema=(.*)/.exec(text)?.[1] ?? ''
  t.equal(fs.existsSync(join(dir, schema)), true, 'the schema that editors read exists')
  t.strictSame(fs.readdirSync(dir), ['tributary.yml'], 'the folder has no other file')
})

t.test('the suggestions in the comments of the new file are valid too', async t => {
  const file = join(t.testdir({}), 'tributary.yml')
  await ensureConfigFile({ file, given: false })
  const text = fs
    .readFileSync(file, 'utf8')
    .replaceAll(/^( *)# (?=enabled|allowed|rateLimit)/gm, '$1')
    .replaceAll(/^# (?=destinations:| {2})/gm, '')
  const { file: content } = parseTributaryFile(text, file)
  t.match(content.sources[0], { enabled: true, allowedOrigins: [/^https/], rateLimit: { eventsPerSecond: 500 } })
  t.match(content.destinations, [{ name: 'Amplitude' }])
})

t.test('an existing file is not changed, valid or not', async t => {
  const dir = t.testdir({ 'a.yml': 'broken: [' })
  fs.symlinkSync('nowhere', join(dir, 'link.yml'))
  for (const name of ['a.yml', 'link.yml']) {
    for (const given of [false, true]) t.equal(await ensureConfigFile({ file: join(dir, name), given }), undefined)
  }
  t.equal(fs.readFileSync(join(dir, 'a.yml'), 'utf8'), 'broken: [')
  t.equal(fs.existsSync(join(dir, 'nowhere')), false)
})

t.test('a named file that is missing is an error at the start, and is not created', async t => {
  const file = join(t.testdir({}), 'tributary.yml')
  await t.rejects(ensureConfigFile({ file, given: true }), {
    name: 'ConfigError',
    message: /^CONFIG_FILE=.*: no such file/
  })
  t.equal(fs.existsSync(file), false)
})

t.test('if many servers start at once, one creates the file, and reports the key in it', async t => {
  const file = join(t.testdir({}), 'tributary.yml')
  const keys = await Promise.all(Array.from({ length: 20 }, async () => ensureConfigFile({ file, given: false })))
  const told = keys.filter(key => key !== undefined)
  t.equal(told.length, 1)
  t.strictSame([...parseTributaryFile(fs.readFileSync(file, 'utf8'), file).writeKeys.keys()], told)
})

t.test('ids and names that YAML would read as another value are written in quotes', async t => {
  for (const id of ['12', 'true', 'null', '1e3', '0x1', '-', '_', 'no', 'a-b']) {
    const file = join(t.testdir({}), 'tributary.yml')
    await createConfigFile(file, { id, name: `${id}: #1 "x" – ü` })
    const [source] = parseTributaryFile(fs.readFileSync(file, 'utf8'), file).file.sources
    t.match(source, { id, name: `${id}: #1 "x" – ü` })
  }
})

t.test('a missing folder is an error with its path', async t => {
  const file = join(t.testdir({}), 'none', 'tributary.yml')
  await t.rejects(ensureConfigFile({ file, given: false }), { message: `${file}: there is no such folder (ENOENT)` })
})
