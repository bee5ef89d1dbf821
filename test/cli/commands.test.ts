import t from 'tap'
import type { Test } from 'tap'
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { COMMANDS } from '../../src/cli/commands.ts'
import { parseTributaryFile } from '../../src/config/file/tributary-file.ts'
import { fillDisk, mountDisk } from '../support/faults.ts'
import { MAIN, run } from './run.ts'
import type { Finished } from './run.ts'

t.jobs = 3

const FILE = `# ours
sources:
  - id: web   # the site
    name: Marketing site
    writeKeys: [wk_aaaaaaaaaaaaaaaaaaaa, wk_bbbbbbbbbbbbbbbbbbbb]
  - id: ios
    enabled: false
    writeKeys:
      - wk_cccccccccccccccccccc
`
const KEY = /^wk_[0-9A-Za-z]{32}\n$/

type Tributary = (args: string, env?: Record<string, string>) => Promise<Finished>

/** A folder with a config file, in which the command line runs. Arguments are split at spaces. */
function folder(
  t: Test,
  tree: Record<string, string> = { 'tributary.yml': FILE }
): { dir: string; tributary: Tributary } {
  const dir = t.testdir(tree)
  return {
    dir,
    tributary: async (args, env = {}) => run(process.execPath, [MAIN, ...args.split(' ')], { cwd: dir, env })
  }
}

function keysIn(dir: string, name = 'tributary.yml'): string[] {
  const { writeKeys } = parseTributaryFile(fs.readFileSync(join(dir, name), 'utf8'), name)
  return [...writeKeys].map(([key, { id }]) => `${id}:${key}`)
}

t.test('every command explains itself with examples', { buffered: true }, async t => {
  const { tributary } = folder(t, {})
  const general = await tributary('--help')
  t.equal(general.code, 0)
  const commands = [...general.stdout.matchAll(/^ {2}((?:keys |apps |config |rejected )?[a-z]+) {2,}/gm)].map(
    ([, name]) => name ?? ''
  )
  t.strictSame(commands, [
    'serve',
    'init',
    'keys add',
    'keys list',
    'keys revoke',
    'keys rotate',
    'apps add',
    'apps list',
    'apps rotate',
    'apps revoke',
    'config',
    'config check',
    'config push',
    'config pull',
    'config diff',
    'config history',
    'rejected list',
    'rejected show',
    'rejected retry',
    'tail',
    'expect',
    'top',
    'send',
    'trace',
    'doctor',
    'audit',
    'forget',
    'replay',
    'export',
    'completion'
  ])
  for (const command of commands) {
    const { code, stdout, stderr } = await tributary(`${command} --help`)
    t.strictSame([code, stderr], [0, ''])
    t.match(stdout, `Usage: tributary ${command}`)
    t.match(stdout, /\nExamples:\n {2}\S/)
  }
  const keys = (await tributary('keys --help')).stdout
  t.match(keys, /keys rotate/)
  t.notMatch(keys, /\n {2}replay/, 'the help of a group lists only its own commands')
  for (const [typed, help] of [
    ['tail --nothing', 'tail '],
    ['keys add', 'keys add '],
    ['plan', 'plan '],
    ['nothing', '']
  ]) {
    t.match(await tributary(typed ?? ''), { code: 2, stderr: `See "tributary ${help}--help".` })
  }
})

t.test('wrong arguments cause a message and exit code 2', { buffered: true }, async t => {
  const { dir, tributary } = folder(t)
  const cases: [string, RegExp][] = [
    ['', /a command is missing/],
    ['srve', /there is no command "srve": did you mean "serve"\?/],
    ['keys lst', /there is no command "keys lst": did you mean "keys list"\?/],
    ['tial --json', /there is no command "tial": did you mean "tail"\?/],
    ['key add', /there is no command "key": did you mean "keys add"\?/],
    ['topics', /topics needs a command/],
    ['keys', /keys needs a command/],
    ['keys drop', /there is no command "keys drop"/],
    ['keys add', /SOURCE is missing/],
    ['keys revoke web', /KEY is missing/],
    ['keys list web ios', /unexpected "ios"/],
    ['keys add web --colour', /Unknown option '--colour'; there are: --file, --create/],
    ['keys add web --crate', /Unknown option '--crate': did you mean --create\?/],
    ['serve --prot 1', /Unknown option '--prot'/],
    ['keys add web --name x', /--name needs --create/],
    ['keys add a:b --create', /id: expected 1 to 64 letters/],
    ['init --source a:b', /id: expected 1 to 64 letters/],
    ['serve now', /unexpected "now"/],
    ['__proto__', /there is no command/]
  ]
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await tributary(args)
    t.strictSame([code, stdout], [2, ''], args)
    t.match(stderr, message)
  }
  t.equal(fs.readFileSync(join(dir, 'tributary.yml'), 'utf8'), FILE)
})

t.test(
  'init creates a file with one source and prints only its key on standard output',
  { buffered: true },
  async t => {
    const { dir, tributary } = folder(t, {})
    const { code, stdout } = await tributary('init --source web --name Site')
    t.equal(code, 0)
    t.match(stdout, KEY)
    t.strictSame(keysIn(dir), [`web:${stdout.trim()}`])
    const again = await tributary('init')
    t.strictSame([again.code, again.stdout], [1, ''])
    t.match(again.stderr, /tributary\.yml: there is one already/)
    const missing = await tributary('init --if-missing')
    t.match(missing, { code: 0, stdout: '', stderr: '' })
    const other = await tributary('init', { CONFIG_FILE: 'other.yml' })
    t.strictSame(keysIn(dir, 'other.yml'), [`default:${other.stdout.trim()}`])
    fs.writeFileSync(join(dir, 'other.yml'), 'x: 1\n')
    t.match(await tributary('init --if-missing --file other.yml'), {
      code: 1,
      stderr: /other\.yml:1:1: "x" is not a known key/
    })
  }
)

t.test('keys add gives a source another key, prints the key, and the key is valid', { buffered: true }, async t => {
  const { dir, tributary } = folder(t)
  const { code, stdout } = await tributary('keys add web')
  t.equal(code, 0)
  t.match(stdout, KEY)
  t.ok(keysIn(dir).includes(`web:${stdout.trim()}`))
  const unknown = await tributary('keys add android')
  t.match(unknown, {
    code: 1,
    stdout: '',
    stderr: /there is no source "android"; there are: web, ios. "tributary keys add android --create" makes it/
  })
  const made = await tributary('keys add android --create --name Android')
  t.equal(keysIn(dir).at(-1), `android:${made.stdout.trim()}`)
  t.match(await tributary('keys add web --create'), { code: 1, stderr: /there is a source "web" already/ })
  t.match(fs.readFileSync(join(dir, 'tributary.yml'), 'utf8'), /^# ours\nsources:\n {2}- id: web {3}# the site\n/)
})

t.test('keys list shows the beginning and the end of each key', { buffered: true }, async t => {
  const { tributary } = folder(t)
  const { code, stdout } = await tributary('keys list')
  t.equal(code, 0)
  t.strictSame(
    stdout
      .trimEnd()
      .split('\n')
      .map(line => line.split(/ {2,}/)),
    [
      ['SOURCE', 'KEY', 'STATE', 'NAME'],
      ['web', 'wk_aaa…aaa', 'enabled', 'Marketing site'],
      ['web', 'wk_bbb…bbb', 'enabled', 'Marketing site'],
      ['ios', 'wk_ccc…ccc', 'disabled', 'ios']
    ]
  )
  t.equal((await tributary('keys list ios')).stdout.includes('web'), false)
  t.match(await tributary('keys list nobody'), { code: 1, stdout: '' })
})

t.test('keys revoke removes exactly the given key, and the last key only if asked to', { buffered: true }, async t => {
  const { dir, tributary } = folder(t)
  t.match(await tributary('keys revoke web wk_'), { code: 1, stderr: /more than one key/ })
  t.match(
    await tributary('keys revoke ios  --force'),
    { code: 2, stderr: /KEY is empty/ },
    'an empty key matches no key'
  )
  t.match(await tributary('keys revoke web wk_c'), { code: 1, stderr: /no such key/ })
  t.match(await tributary('keys revoke web wk_aaa…aaa'), { code: 0, stdout: '' })
  t.strictSame(keysIn(dir), ['web:wk_bbbbbbbbbbbbbbbbbbbb', 'ios:wk_cccccccccccccccccccc'])
  const last = await tributary('keys revoke web wk_b')
  t.match(last, { code: 1, stdout: '', stderr: /that is the last key of "web"/ })
  const { code, stdout, stderr } = await tributary('keys revoke web wk_b --force')
  t.equal(code, 0)
  t.notMatch(stderr, /bbbb/)
  t.strictSame(keysIn(dir), [`web:${stdout.trim()}`, 'ios:wk_cccccccccccccccccccc'])
})

t.test('keys rotate replaces all keys of a source, or keeps the older keys for now', { buffered: true }, async t => {
  const { dir, tributary } = folder(t)
  const kept = await tributary('keys rotate ios --keep')
  t.strictSame(keysIn(dir).slice(2), ['ios:wk_cccccccccccccccccccc', `ios:${kept.stdout.trim()}`])
  const { code, stdout, stderr } = await tributary('keys rotate web')
  t.equal(code, 0)
  t.match(stderr, /revoked 2 older keys of "web"/)
  t.equal(keysIn(dir)[0], `web:${stdout.trim()}`)
  t.equal(keysIn(dir).filter(key => key.startsWith('web')).length, 1)
})

t.test('commands on keys do not change an invalid file, and say what is wrong with it', { buffered: true }, async t => {
  const broken = FILE.replace('enabled: false', 'enabld: false')
  const { dir, tributary } = folder(t, { 'tributary.yml': broken })
  for (const command of ['keys add web', 'keys list', 'keys revoke web wk_a', 'keys rotate web']) {
    t.match(await tributary(command), { code: 1, stdout: '', stderr: /tributary\.yml:7:5: .*"enabld".*enabled\?/ })
  }
  t.equal(fs.readFileSync(join(dir, 'tributary.yml'), 'utf8'), broken)
  t.match(await tributary('keys list --file none.yml'), { code: 1, stderr: 'none.yml: no such file\n' })
})

t.test(
  'commands that write the file say in a sentence that its mount is read-only, its disk is full or its folder is missing',
  { buffered: true },
  async t => {
    const disk = mountDisk(t, 1)
    const file = join(disk, 'tributary.yml')
    fs.writeFileSync(file, FILE)
    const { tributary } = folder(t, {})
    const writing = ['keys add web', 'keys add new --create', 'keys revoke web wk_a', 'keys rotate web']
    const giveBack = fillDisk(disk, 0)
    const full = await tributary(`keys add web --file ${file}`)
    t.match([full.code, full.stdout], [1, ''])
    t.equal(full.stderr, `${file}: the disk is full; nothing was changed (ENOSPC)\n`)
    giveBack()
    t.strictSame(fs.readdirSync(disk), ['tributary.yml'])
    execFileSync('mount', ['-o', 'remount,ro', disk])
    for (const command of [...writing, 'init']) {
      const target = command === 'init' ? join(disk, 'other.yml') : file
      const { code, stdout, stderr } = await tributary(`${command} --file ${target}`)
      t.match([code, stdout], [1, ''])
      const sentence = 'it is on a read-only mount and cannot be changed from here: edit the original of the mount'
      t.equal(stderr, `${target}: ${sentence} (EROFS)\n`)
    }
    t.equal((await tributary(`keys list --file ${file}`)).code, 0, 'the file can still be read')
    t.equal(fs.readFileSync(file, 'utf8'), FILE)
    const nowhere = join(disk, 'nowhere', 'tributary.yml')
    t.match((await tributary(`init --file ${nowhere}`)).stderr, /^\S+yml: there is no such folder \(ENOENT\)\n$/)
  }
)

t.test('commands that edit the file at the same time lose no key', { buffered: true }, async t => {
  const { dir, tributary } = folder(t)
  const runs = await Promise.all(['web', 'ios', 'web', 'ios'].map(async id => tributary(`keys add ${id}`)))
  t.strictSame(
    runs.map(({ code }) => code),
    [0, 0, 0, 0]
  )
  const inFile = keysIn(dir).join(' ')
  for (const { stdout } of runs) t.match(inFile, stdout.trim())
  t.strictSame(fs.readdirSync(dir), ['tributary.yml'])
})

t.test(
  'config prints the settings in force without secrets, and fails with every mistake',
  { buffered: true },
  async t => {
    const { tributary } = folder(t, {})
    const good = await tributary('config', { PORT: '8080', ADMIN_PASSWORD: 'hunter2', KAFKA_BROKER: 'k' })
    t.equal(good.code, 0)
    t.match(good.stdout, /^PORT=8080$/m)
    t.match(
      good.stderr,
      'warning: KAFKA_BROKER is set, but is not a variable of Tributary: did you mean KAFKA_BROKERS?'
    )
    t.notMatch(good.stdout + good.stderr, /hunter2/)
    const bad = await tributary('config', { PORT: 'x', LOG_LEVEL: 'y' })
    t.match(bad, { code: 1, stdout: '', stderr: /^PORT="x": .*\nLOG_LEVEL="y": .*\n$/ })
  }
)

t.test('config check tells a valid file from an invalid file, and lists every mistake', { buffered: true }, async t => {
  const { tributary } = folder(t, { 'tributary.yml': FILE, 'bad.yml': 'sources:\n  - id: a b\n    writeKeys: []\n' })
  t.match(await tributary('config check'), {
    code: 0,
    stdout: 'tributary.yml: valid (sources: 2, write keys: 3, destinations: 0)\n'
  })
  const bad = await tributary('config check bad.yml')
  t.match(bad, { code: 1, stdout: '' })
  t.strictSame(
    bad.stderr
      .trimEnd()
      .split('\n')
      .map(line => line.split(': ')[0]),
    ['bad.yml:2:9', 'bad.yml:3:16']
  )
})

/**
 * Commands without data: they run until they are stopped, write a file or a script, or report the result as text only.
 */
const WITHOUT_JSON = [
  'serve',
  'config push',
  'config pull',
  'rejected retry',
  'spool drain',
  'suppress add',
  'suppress remove',
  'forget',
  'plan import',
  'plan infer',
  'plan export',
  'completion'
]

t.test('every command that prints data can also print it as JSON', async t => {
  for (const [name, { load }] of Object.entries(COMMANDS)) {
    const { help } = await load()
    t.equal(/^ {2}--json /m.test(help), !WITHOUT_JSON.includes(name), name)
  }
})

t.test(
  'the JSON output of commands is complete and has the same content as their text',
  { buffered: true },
  async t => {
    const { tributary } = folder(t)
    const json = async (args: string): Promise<unknown> =>
      JSON.parse((await tributary(`${args} --json`)).stdout) as unknown
    t.match(await json('keys list'), [
      { source: 'web', key: 'wk_aaa…aaa', state: 'enabled', name: 'Marketing site' },
      {},
      {}
    ])
    t.match(await json('config check'), {
      file: 'tributary.yml',
      valid: true,
      sources: 2,
      writeKeys: 3,
      destinations: 0
    })
    t.match(await json('keys add web'), { source: 'web', writeKey: /^wk_[0-9A-Za-z]{32}$/ })
    t.match(await json('keys rotate web'), { source: 'web', writeKey: /^wk_/, revoked: 3 })
    t.match(await json('keys revoke ios wk_c --force'), { source: 'ios', revoked: 1, writeKey: /^wk_/ })
    t.match(await json('init --file other.yml'), { file: 'other.yml', source: 'default', writeKey: /^wk_/ })
    t.match(await json('suppress list'), [])
    const variables = (await json('config')) as { name: string; value?: string; isDefault: boolean }[]
    t.match(
      variables.find(({ name }) => name === 'PORT'),
      { value: '3000', isDefault: true }
    )
  }
)
