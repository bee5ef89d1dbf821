import t from 'tap'
import type { Test } from 'tap'
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseTributaryFile } from '../../../src/config/file/tributary-file.ts'
import { createFileKeyStore } from '../../../src/keys/store/file-key-store.ts'
import type { EditApproval, FileKeyStore } from '../../../src/keys/store/file-key-store.ts'
import { run } from '../../cli/run.ts'
import { until } from '../../support/until.ts'

/** The promises to operators. */
const RELOAD_MS = 2000

t.jobs = 16

interface Line {
  readonly level: 'info' | 'warn'
  readonly text: string
}

/** A file with the given sources, each with the key `wk_<id>`. */
const yaml = (...ids: string[]): string =>
  `sources:\n${ids.map(id => `  - id: ${id}\n    writeKeys: [wk_${id}]\n`).join('')}`

async function open(t: Test, file: string, approval?: EditApproval): Promise<{ store: FileKeyStore; lines: Line[] }> {
  const lines: Line[] = []
  const log = (level: Line['level']) => (fields: object, message: string) =>
    void lines.push({ level, text: `${message} ${JSON.stringify(fields)}` })
  const store = await createFileKeyStore({
    file,
    parse: parseTributaryFile,
    log: { info: log('info'), warn: log('warn') }
  })
  store.follow(approval)
  t.teardown(() => store.close())
  return { store, lines }
}

const knows = async (store: FileKeyStore, key: string): Promise<void> =>
  until(() => store.find(key) !== undefined, { what: key, timeoutMs: RELOAD_MS })

function replace(file: string, text: string): void {
  fs.writeFileSync(`${file}.new`, text)
  fs.renameSync(`${file}.new`, file)
}

t.test('a key gives its source, also if the source is disabled; an unknown key gives none', async t => {
  const dir = t.testdir({ 't.yml': `${yaml('a')}  - id: off\n    writeKeys: [wk_off, wk_off2]\n    enabled: false\n` })
  const { store } = await open(t, join(dir, 't.yml'))
  t.equal(store.find('wk_a')?.id, 'a')
  t.match(store.find('wk_off2'), { id: 'off', enabled: false })
  for (const key of ['', 'wk_', 'wk_A', 'wk_a ', 'wk_aa', '__proto__', 'x'.repeat(1_000_000), 'wk_a\ud800']) {
    t.equal(store.find(key), undefined)
  }
  t.strictSame(
    store.sources().map(({ id }) => id),
    ['a', 'off']
  )
  t.equal(store.current().sources, store.sources())
  t.notMatch(JSON.stringify(store.current()), /wk_/)
})

t.test("a start without a valid file is refused, with the file's name", async t => {
  const dir = t.testdir({
    'bad.yml': 'sources: []\n',
    folder: {},
    'utf16.yml': Buffer.from(`\ufeff${yaml('a')}`, 'utf16le')
  })
  const cases: [string, RegExp][] = [
    ['none.yml', /none\.yml: no such file/],
    ['bad.yml', /bad\.yml:1:10: sources/],
    ['folder', /folder: not a file/],
    ['utf16.yml', /utf16\.yml: not UTF-8/]
  ]
  for (const [name, message] of cases) {
    await t.rejects(open(t, join(dir, name)), { name: 'ConfigError', code: 'CONFIG_INVALID', message })
  }
  t.equal(spawnSync('mkfifo', [join(dir, 'pipe')]).status, 0)
  await t.rejects(open(t, join(dir, 'pipe')), { message: /pipe: not a file/ }, 'the start does not wait for a writer')
})

const SAVES: [string, (file: string, text: string) => void | Promise<void>][] = [
  ['writes it in place', (file, text) => fs.writeFileSync(file, text)],
  [
    'writes it in place with the same size and times',
    (file, text) => {
      const { atime, mtime } = fs.statSync(file)
      fs.writeFileSync(file, text)
      fs.utimesSync(file, atime, mtime)
    }
  ],
  ['renames a new file over it', replace],
  [
    'keeps the old one as a backup and writes a new one',
    (file, text) => {
      fs.renameSync(file, `${file}~`)
      fs.writeFileSync(file, text)
    }
  ],
  [
    'deletes it and makes it again a little later',
    async (file, text) => {
      fs.rmSync(file)
      await sleep(200)
      fs.writeFileSync(file, text)
    }
  ],
  [
    'appends to it in small steps',
    async (file, text) => {
      fs.writeFileSync(file, '')
      for (const line of text.match(/.*\n/g) ?? []) {
        fs.appendFileSync(file, line)
        await sleep(30)
      }
    }
  ],
  [
    'replaces its whole folder',
    (file, text) => {
      const folder = join(file, '..')
      fs.renameSync(folder, `${folder}.${performance.now()}`)
      fs.mkdirSync(folder)
      fs.writeFileSync(file, text)
    }
  ],
  [
    'changes its mode with its content',
    (file, text) => {
      fs.chmodSync(file, 0o600)
      fs.writeFileSync(file, text)
      fs.chmodSync(file, 0o640)
    }
  ]
]

for (const [name, save] of SAVES) {
  t.test(`an editor that ${name} is followed within 2 s, again and again`, { buffered: true }, async t => {
    const file = join(t.testdir({ config: { 't.yml': yaml('a') } }), 'config', 't.yml')
    const { store, lines } = await open(t, file)
    for (const id of ['b', 'c']) {
      await save(file, yaml(id))
      await knows(store, `wk_${id}`)
    }
    t.equal(store.find('wk_b'), undefined, 'a removed key is not found')
    t.strictSame(
      lines.map(({ level }) => level),
      ['info', 'info']
    )
  })
}

t.test(
  'a ConfigMap of Kubernetes, whose ..data symlink is swapped, is followed within 2 s',
  { buffered: true },
  async t => {
    const dir = t.testdir({ v1: { 't.yml': yaml('a') }, v2: { 't.yml': yaml('b') } })
    fs.symlinkSync('v1', join(dir, '..data'))
    fs.symlinkSync(join('..data', 't.yml'), join(dir, 't.yml'))
    const { store } = await open(t, join(dir, 't.yml'))
    t.equal(store.find('wk_a')?.id, 'a')
    fs.symlinkSync('v2', join(dir, '..data_tmp'))
    fs.renameSync(join(dir, '..data_tmp'), join(dir, '..data'))
    await knows(store, 'wk_b')
    t.equal(store.find('wk_a'), undefined)
  }
)

t.test(
  'a file behind a symlink to another folder, without an event about it, is followed within 2 s',
  { buffered: true },
  async t => {
    const dir = t.testdir({ real: { 'r.yml': yaml('a') }, here: {} })
    fs.symlinkSync(join(dir, 'real', 'r.yml'), join(dir, 'here', 't.yml'))
    const { store } = await open(t, join(dir, 'here', 't.yml'))
    fs.writeFileSync(join(dir, 'real', 'r.yml'), yaml('b'))
    await knows(store, 'wk_b')
    t.equal(store.find('wk_a'), undefined)
  }
)

t.test('a change of only the mode, or the same text saved again, is not a change', { buffered: true }, async t => {
  const file = join(t.testdir({ 't.yml': yaml('a') }), 't.yml')
  const { lines } = await open(t, file)
  fs.chmodSync(file, 0o600)
  replace(file, yaml('a'))
  fs.writeFileSync(file, yaml('a'))
  await sleep(RELOAD_MS)
  t.strictSame(lines, [])
})

t.test(
  'an incomplete file that is valid by itself costs no source its events while the writer pauses for a second',
  { buffered: true },
  async t => {
    const file = join(t.testdir({ 't.yml': yaml('a', 'b') }), 't.yml')
    const { store, lines } = await open(t, file)
    let lost = 0
    const watch = setInterval(() => (lost += store.find('wk_b') === undefined ? 1 : 0), 5)
    t.teardown(() => clearInterval(watch))
    const text = yaml('a', 'b', 'c')
    const half = yaml('a').length
    fs.writeFileSync(file, text.slice(0, half))
    await sleep(1000)
    fs.appendFileSync(file, text.slice(half))
    await knows(store, 'wk_c')
    t.equal(lost, 0)
    t.strictSame(
      lines.map(({ level }) => level),
      ['info']
    )
  }
)

t.test(
  'an incomplete file that ends in a word and stays so keeps the last good one, and is reported once',
  { buffered: true },
  async t => {
    const file = join(t.testdir({ 't.yml': yaml('a') }), 't.yml')
    const { store, lines } = await open(t, file)
    const text = yaml('a', 'b')
    fs.writeFileSync(file, text.slice(0, -10))
    await sleep(3000)
    t.equal(store.find('wk_a')?.id, 'a')
    fs.appendFileSync(file, text.slice(-10))
    await knows(store, 'wk_b')
    t.strictSame(
      lines.map(({ level }) => level),
      ['warn', 'info']
    )
    t.match(lines[0]?.text, /the last good one stays.*t\.yml:\d+:\d+/)
  }
)

const BREAKS: [string, (file: string) => void, RegExp][] = [
  ['broken', file => fs.writeFileSync(file, 'sources: [wk_a\n'), /not valid YAML/],
  ['emptied', file => fs.writeFileSync(file, ''), /the file is empty/],
  ['deleted', file => fs.rmSync(file), /no such file/],
  [
    'replaced by a folder',
    file => {
      fs.rmSync(file)
      fs.mkdirSync(file)
    },
    /not a file/
  ],
  [
    'made to point nowhere',
    file => {
      fs.rmSync(file)
      fs.symlinkSync('nowhere', file)
    },
    /no such file/
  ]
]

for (const [name, spoil, message] of BREAKS) {
  t.test(
    `a file that is ${name} keeps the last good one, is reported once, and is in force again when repaired`,
    { buffered: true },
    async t => {
      const file = join(t.testdir({ 't.yml': yaml('a') }), 't.yml')
      const { store, lines } = await open(t, file)
      spoil(file)
      await until(() => lines.length > 0, { what: 'the warning', timeoutMs: RELOAD_MS })
      await sleep(1500)
      t.equal(store.find('wk_a')?.id, 'a')
      t.equal(lines.length, 1)
      t.equal(lines[0]?.level, 'warn')
      t.match(lines[0]?.text, message)
      t.notMatch(lines[0]?.text, /wk_a/)
      fs.rmSync(file, { recursive: true, force: true })
      fs.writeFileSync(file, yaml('a'))
      await until(() => lines.length > 1, { what: 'the message that the file is valid again', timeoutMs: RELOAD_MS })
      t.match(lines[1], { level: 'info', text: /reloaded/ })
    }
  )
}

t.test('another broken edit after a broken one is reported again', { buffered: true }, async t => {
  const file = join(t.testdir({ 't.yml': yaml('a') }), 't.yml')
  const { lines } = await open(t, file)
  for (const [index, text] of ['sources: [\n', 'sources: {\n'].entries()) {
    fs.writeFileSync(file, text)
    await until(() => lines.length > index, { what: 'a new warning', timeoutMs: RELOAD_MS })
  }
  t.strictSame(
    lines.map(({ level }) => level),
    ['warn', 'warn']
  )
})

/** An approval of edits that the test controls. */
function createApproval(): EditApproval & { requests: string[]; approve(): void } {
  let waiting: (() => void) | undefined
  const requests: string[] = []
  return {
    requests,
    request(file, takeEffect) {
      requests.push(file.sources.map(({ id }) => id).join())
      waiting = takeEffect
    },
    withdraw: () => void (waiting = undefined),
    approve: () => waiting?.()
  }
}

t.test(
  'keys of an edit come into force when the edit is approved, all in one turn, and are then reported',
  { buffered: true },
  async t => {
    const file = join(t.testdir({ 't.yml': yaml('a') }), 't.yml')
    const approval = createApproval()
    const { store, lines } = await open(t, file, approval)
    fs.writeFileSync(file, yaml('b', 'c'))
    await until(() => approval.requests.length > 0, { what: 'the request for approval', timeoutMs: RELOAD_MS })
    const state = () => [
      ['wk_a', 'wk_b', 'wk_c'].filter(key => store.find(key) !== undefined).join(),
      store
        .sources()
        .map(({ id }) => id)
        .join(),
      store.current().sources.length,
      lines.length
    ]
    t.strictSame(state(), ['wk_a', 'a', 1, 0])
    approval.approve()
    t.strictSame(state(), ['wk_b,wk_c', 'b,c', 2, 1])
    t.match(lines[0], { level: 'info', text: /reloaded/ })
  }
)

t.test('an edit that waits is given up for a newer one, even if that one is broken', { buffered: true }, async t => {
  const file = join(t.testdir({ 't.yml': yaml('a') }), 't.yml')
  const approval = createApproval()
  const { store, lines } = await open(t, file, approval)
  fs.writeFileSync(file, yaml('b'))
  await until(() => approval.requests.length > 0, { what: 'the request for approval', timeoutMs: RELOAD_MS })
  fs.writeFileSync(file, 'sources: [\n')
  await until(() => lines.length > 0, { what: 'the warning', timeoutMs: RELOAD_MS })
  approval.approve()
  t.equal(store.find('wk_b'), undefined)
  t.equal(store.find('wk_a')?.id, 'a')
})

t.test(
  'a file that must be checked is read at once, without waiting until it stops changing',
  { buffered: true },
  async t => {
    const file = join(t.testdir({ 't.yml': yaml('a') }), 't.yml')
    const { store, lines } = await open(t, file)
    fs.writeFileSync(file, yaml('b'))
    const begun = performance.now()
    store.check()
    await knows(store, 'wk_b')
    t.ok(performance.now() - begun < 1_000)
    fs.writeFileSync(file, 'sources: [\n')
    for (let i = 0; i < 5; i++) store.check()
    await until(() => lines.some(({ level }) => level === 'warn'), { what: 'the warning' })
    t.equal(store.find('wk_b')?.id, 'b')
  }
)

t.test('a closed store no longer follows the file, and can be closed twice', { buffered: true }, async t => {
  const file = join(t.testdir({ 't.yml': yaml('a') }), 't.yml')
  const { store, lines } = await open(t, file)
  fs.writeFileSync(file, yaml('b'))
  await sleep(100)
  await store.close()
  await store.close()
  await sleep(RELOAD_MS)
  t.strictSame(lines, [])
})

t.test('an open store does not keep a process alive', { buffered: true }, async t => {
  const file = join(t.testdir({ 't.yml': yaml('a') }), 't.yml')
  const program = `
    import { createFileKeyStore } from ${JSON.stringify(import.meta.resolve('../../../src/keys/store/file-key-store.ts'))}
    import { parseTributaryFile } from ${JSON.stringify(import.meta.resolve('../../../src/config/file/tributary-file.ts'))}
    const log = { info() {}, warn() {} }
    const store = await createFileKeyStore({ file: ${JSON.stringify(file)}, parse: parseTributaryFile, log })
    store.follow()
    console.log(store.find('wk_a').id)`
  // Not spawnSync, because it would block the timers of the tests that run at the same time.
  const ended = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: t.testdirName })
  t.match(ended, { code: 0, stdout: 'a\n', stderr: '' })
})
