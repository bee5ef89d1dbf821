import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import t from 'tap'
import { openIdStore } from '../../../src/ingest/dedupe/id-store.ts'
import { fillDisk, mountDisk } from '../../support/faults.ts'
import { isKnown, remember } from '../../support/ids.ts'
import { until } from '../../support/until.ts'

const MINUTE_MS = 60_000

function createSubject(t: Test, maxIds = 1_000, parent = t.testdir()) {
  const dir = join(parent, 'dedupe')
  let now = Date.parse('2026-11-23T12:00:00Z')
  const warnings: string[] = []
  const open = () =>
    openIdStore({
      dir,
      maxIds,
      windowMs: 10 * MINUTE_MS,
      clock: { now: () => now, monotonic: () => performance.now() },
      log: { warn: (_fields, message) => warnings.push(message) }
    })
  return { dir, open, warnings, advance: (ms: number) => (now += ms) }
}

t.test('ids are known after a restart, each for its own source', async t => {
  const { open } = createSubject(t)
  const before = await open()
  remember(before.windowOf('web'), 'm1')
  remember(before.windowOf('app'), 'm2')
  await before.close()
  const after = await open()
  t.same(
    ['m1', 'm2'].map(id => isKnown(after.windowOf('web'), id)),
    [true, false]
  )
  t.same(
    ['m1', 'm2'].map(id => isKnown(after.windowOf('app'), id)),
    [false, true]
  )
  await after.close()
})

t.test('an id is known after kill -9 once its entry was flushed, and a torn entry loses only itself', async t => {
  const { dir, open } = createSubject(t)
  const before = await open()
  remember(before.windowOf('web'), 'm1')
  while (statSync(join(dir, 'web.ids'), { throwIfNoEntry: false })?.size !== 12)
    await new Promise(resolve => setTimeout(resolve, 10))
  appendFileSync(join(dir, 'web.ids'), 'torn')
  const after = await open()
  t.equal(isKnown(after.windowOf('web'), 'm1'), true)
  remember(after.windowOf('web'), 'm2')
  await after.close()
  const last = await open()
  t.same(
    ['m1', 'm2'].map(id => isKnown(last.windowOf('web'), id)),
    [true, true]
  )
  await last.close()
  await before.close()
})

t.test('time that passed while the server was down counts', async t => {
  const { open, advance } = createSubject(t)
  const before = await open()
  remember(before.windowOf('web'), 'm1')
  await before.close()
  advance(9 * MINUTE_MS)
  const soon = await open()
  t.equal(isKnown(soon.windowOf('web'), 'm1'), true)
  await soon.close()
  advance(2 * MINUTE_MS)
  const late = await open()
  t.equal(isKnown(late.windowOf('web'), 'm1'), false)
  await late.close()
})

t.test('the journals stay bounded, and the newest ids survive', async t => {
  const { dir, open } = createSubject(t, 100)
  for (let round = 0; round < 10; round++) {
    const store = await open()
    for (let i = 0; i < 60; i++) remember(store.windowOf('web'), `m${round}-${i}`)
    await store.close()
  }
  const bytes = readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0)
  t.ok(bytes < 100 * 12 * 4, `the journals have ${bytes} bytes`)
  const store = await open()
  t.equal(isKnown(store.windowOf('web'), 'm9-59'), true)
  t.equal(store.sizes()[0]?.[1], 100)
  await store.close()
})

t.test('a lost seed loses the ids and nothing else', async t => {
  const { dir, open, warnings } = createSubject(t)
  const before = await open()
  remember(before.windowOf('web'), 'm1')
  await before.close()
  writeFileSync(join(dir, 'seed.json'), 'broken')
  const after = await open()
  t.equal(isKnown(after.windowOf('web'), 'm1'), false)
  await after.close()
  t.equal(warnings.length, 1)
  t.match(warnings[0], 'are forgotten')
})

for (const content of ['', 'broken', '[1]', '[1,2,3]', '[1.5,2]', '["a","b"]', '{}', 'null']) {
  t.test(`a seed that is ${JSON.stringify(content)} loses the ids, is reported once, and is replaced`, async t => {
    const { dir, open, warnings } = createSubject(t)
    mkdirSync(dir)
    writeFileSync(join(dir, 'seed.json'), content)
    writeFileSync(join(dir, 'web.ids'), Buffer.alloc(24))
    const store = await open()
    t.same(store.sizes(), [])
    remember(store.windowOf('web'), 'm1')
    await store.close()
    const next = await open()
    t.equal(isKnown(next.windowOf('web'), 'm1'), true)
    await next.close()
    t.equal(warnings.length, 1)
  })
}

t.test('the first start of all logs no warning', async t => {
  const { open, warnings } = createSubject(t)
  await (await open()).close()
  t.same(warnings, [])
})

/** Ways in which a file exists and no user can read it now. Permissions are not enough, because root ignores them. */
const UNREADABLE: Readonly<Record<string, (path: string) => void>> = {
  'is a folder': path => mkdirSync(path),
  'is a link to itself': path => symlinkSync(path, path),
  'is a link into a file': path => {
    writeFileSync(`${path}.target`, '')
    symlinkSync(`${path}.target/x`, path)
  }
}

for (const [what, make] of Object.entries(UNREADABLE)) {
  for (const name of ['seed.json', 'web.ids', 'web.old.ids']) {
    t.test(`a ${name} that ${what} is an error at the start that names it, and loses no id`, async t => {
      const { dir, open } = createSubject(t)
      const before = await open()
      remember(before.windowOf('web'), 'm1')
      await before.close()
      const path = join(dir, name)
      if (name !== 'web.old.ids') renameSync(path, `${path}.kept`)
      make(path)
      await t.rejects(open(), { message: new RegExp(`${name.replaceAll('.', '\\.')}.*cannot be read`) })
      rmSync(path, { recursive: true })
      if (name !== 'web.old.ids') renameSync(`${path}.kept`, path)
      const after = await open()
      t.equal(isKnown(after.windowOf('web'), 'm1'), true)
      await after.close()
    })
  }
}

t.test('a process that can open no more files starts with an error, and loses nothing', async t => {
  const { dir, open } = createSubject(t)
  const before = await open()
  remember(before.windowOf('web'), 'm1')
  await before.close()
  const program = `
    const { openSync } = require('node:fs')
    import(${JSON.stringify(new URL('../../../src/ingest/dedupe/id-store.ts', import.meta.url).href)}).then(async ({ openIdStore }) => {
      try { for (;;) openSync('/dev/null') } catch {}
      const clock = { now: Date.now, monotonic: () => 0 }
      await openIdStore({ dir: ${JSON.stringify(dir)}, maxIds: 10, windowMs: 60_000, clock, log: { warn() {} } })
    }).catch(error => { console.error(error.message); process.exit(3) })`
  const child = spawnSync('sh', ['-c', 'ulimit -n 64; exec "$0" -e "$1"', process.execPath, program], {
    encoding: 'utf8'
  })
  t.equal(child.status, 3)
  t.match(child.stderr, /seed\.json.*cannot be read.*EMFILE/)
  const after = await open()
  t.equal(isKnown(after.windowOf('web'), 'm1'), true)
  await after.close()
})

t.test('a folder that cannot be written costs one warning and no request', async t => {
  const { dir, open, warnings } = createSubject(t)
  const store = await open()
  rmSync(dir, { recursive: true })
  writeFileSync(dir, 'a file in the way')
  remember(store.windowOf('web'), 'm1')
  remember(store.windowOf('app'), 'm2')
  t.equal(isKnown(store.windowOf('app'), 'm2'), true)
  await store.close()
  t.equal(warnings.length, 1)
})

t.test('a full disk loses no id: ids without space are written when there is space', async t => {
  const disk = mountDisk(t, 1)
  const { dir, open, warnings } = createSubject(t, 100_000, disk)
  const store = await open()
  const names = (from: number, count: number): string[] => Array.from({ length: count }, (_, at) => `m${from + at}`)
  const bytes = (): number => statSync(join(dir, 'web.ids'), { throwIfNoEntry: false })?.size ?? 0
  const add = (from: number, count: number): void => {
    for (const name of names(from, count)) remember(store.windowOf('web'), name)
  }
  add(0, 10)
  await until(() => bytes() === 120, { what: 'the first ids' })
  const giveBack = fillDisk(disk, 4_096)
  add(10, 5_000)
  await until(() => warnings.length > 0, { what: 'the warning' })
  add(5_010, 1_000)
  giveBack()
  await until(() => bytes() === 6_010 * 12, { what: 'all ids' })
  add(6_010, 5)
  await store.close()

  const after = await open()
  const known = names(0, 6_015).filter(name => isKnown(after.windowOf('web'), name))
  t.equal(known.length, 6_015)
  t.equal(warnings.length, 1)
  await after.close()
})

t.test('a disk that is full at the first start loses no id either, once it has space', async t => {
  const disk = mountDisk(t, 1)
  const { dir, open } = createSubject(t, 1_000, disk)
  mkdirSync(dir)
  const giveBack = fillDisk(disk, 0)
  const store = await open()
  remember(store.windowOf('web'), 'm1')
  giveBack()
  await store.close()
  const after = await open()
  t.equal(isKnown(after.windowOf('web'), 'm1'), true)
  await after.close()
})

t.test('with a disk that stays full, at most as many ids wait as a window holds, the newest ones', async t => {
  const disk = mountDisk(t, 1)
  const { dir, open } = createSubject(t, 1_000, disk)
  const store = await open()
  remember(store.windowOf('web'), 'first')
  await until(() => statSync(join(dir, 'web.ids'), { throwIfNoEntry: false })?.size === 12, { what: 'the first id' })
  const giveBack = fillDisk(disk, 0)
  for (let i = 0; i < 20_000; i++) remember(store.windowOf('web'), `m${i}`)
  giveBack()
  await store.close()
  const bytes = readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0)
  t.ok(bytes < 1_000 * 12 * 4, `the journals have ${bytes} bytes`)
  const after = await open()
  const known = Array.from({ length: 1_000 }, (_, i) => `m${19_000 + i}`).filter(id =>
    isKnown(after.windowOf('web'), id)
  )
  t.equal(known.length, 1_000)
  await after.close()
})

t.test('a restart needs less than 2 seconds of processor time for 1,000,000 ids', async t => {
  const { open } = createSubject(t, 1_000_000)
  const before = await open()
  for (let i = 0; i < 1_000_000; i++) remember(before.windowOf('web'), `ajs-next-1795416344468-${i}`)
  await before.close()
  // Processor time, because other programs on the machine do not count.
  const started = process.cpuUsage()
  const after = await open()
  const { user, system } = process.cpuUsage(started)
  const seconds = (user + system) / 1_000_000
  t.comment(`the restart took ${seconds.toFixed(2)} s`)
  t.equal(isKnown(after.windowOf('web'), 'ajs-next-1795416344468-0'), true)
  t.ok(seconds < 2, `the restart took ${seconds} s`)
  await after.close()
})
