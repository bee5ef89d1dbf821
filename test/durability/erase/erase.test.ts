import { appendFileSync, cpSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { eraseFromDataDir, StillWaiting } from '../../../src/durability/erase/erase-folder.ts'
import { readLog } from '../../../src/durability/log/read/log-reader.ts'
import { loadPositions } from '../../../src/durability/log/segment/position-file.ts'
import { readSpoolStatus } from '../../../src/durability/spool/status.ts'
import { aboutUsers } from '../../../src/governance/forget/about-users.ts'
import { run } from '../../cli/run.ts'
import { createLogLines, linesFrom, openLog, openReader, savePosition } from '../../support/event-log.ts'
import { ownFolder } from '../../support/own-folder.ts'

const USER = 'user-raw-4711'
const ERASE = join(import.meta.dirname, '../../support/erase-process.ts')
const OLD = new Date('2026-01-02T03:04:05Z')

let made = 0
function event(userId: string, more = ''): string {
  made += 1
  return `{"type":"track","event":"E","userId":"${userId}","messageId":"m${made}","n":1.10,"receivedAt":"2026-11-23T12:00:00.000Z"${more},"projectId":"web","version":2}\n`
}

function refused(rest: string): string {
  return `{${rest},"source":"web","type":"track","code":"event_not_string","receivedAt":"2026-11-23T12:00:00.000Z"}\n`
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** Writes segments as a server does, with checksums. */
async function write(dir: string, segments: readonly (readonly string[])[]): Promise<void> {
  const log = await openLog(dir)
  for (const lines of segments) {
    await log.append(linesFrom(lines.map(line => Buffer.from(line))))
    log.rotate()
  }
  await log.close()
  for (const name of readdirSync(dir)) utimesSync(join(dir, name), OLD, OLD)
}

interface Folder {
  readonly dir: string
  /** The remaining records of other users, by folder, in order. */
  readonly others: { readonly events: string[]; readonly rejected: string[] }
}

/** A data folder with the user in everything that can hold a record. */
async function makeFolder(dir: string, { isSmall = false } = {}): Promise<Folder> {
  const all = [
    [event('ann'), event(USER), event('bob')],
    [event(USER), event('x', `,"previousId":"${USER}"`)],
    [event('cid'), event('dan', `,"anonymousId":"user\\u002draw-4711"`)],
    [event('eve', `,"properties":{"friend":"someone else"}`)]
  ]
  // One segment that is written again, and one that is deleted.
  const events = isSmall ? all.slice(0, 2) : all
  const rejected = [
    [
      refused(`"event":{"userId":"${USER}","event":7}`),
      refused(`"kind":"body","body":"{\\"batch\\":[{\\"userId\\":\\"${USER}\\",","encoding":"utf-8","complete":true`),
      refused(`"kind":"body","body":"${base64(`x\xff${USER}`)}","encoding":"base64","complete":true`),
      refused(`"event":{"userId":"ann","event":7}`),
      refused(`"kind":"body","body":"{\\"batch\\":[","encoding":"utf-8","complete":true`)
    ]
  ]
  await write(join(dir, 'events'), events)
  await write(join(dir, 'rejected'), isSmall ? [] : rejected)
  await write(join(dir, 'spool'), [])
  const inSpool = (record: string): string =>
    `{"refusedAt":"2026-11-23T12:00:00.000Z","topic":"t","reason":"too large","record":${record.trimEnd()}}\n`
  writeFileSync(join(dir, 'spool', 'refused.jsonl'), inSpool(event(USER)) + inSpool(event('ann')))
  if (!isSmall) writeFileSync(join(dir, 'spool', 'refused.retrying.jsonl'), inSpool(event(USER)))
  const [first = ''] = readdirSync(join(dir, 'events')).filter(name => name.endsWith('.ndjson'))
  const damaged = (offset: number, text: string): string =>
    `{"offset":${offset},"bytes":${text.length},"base64":"${base64(text)}"}\n`
  writeFileSync(
    join(dir, 'events', first.replace('.ndjson', '.damaged')),
    damaged(0, '{"userId":"user-raw') + damaged(19, '-4711"}') + damaged(900, '{"userId":"ann"')
  )
  const isOther = (line: string): boolean => !/user(-|\\u002d)raw|ZXItcmF3|eHJhd|c2VyLX/.test(line)
  return {
    dir,
    others: {
      events: events.flat().filter(isOther),
      rejected: [rejected[0]?.[3] ?? '', rejected[0]?.[4] ?? '']
    }
  }
}

function filesOf(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
}

/** The places where the user's id still occurs, as text, in base64 or with escapes. */
function hits(dir: string): string[] {
  const spellings = [USER, 'user\\u002draw', ...[0, 1, 2].map(at => base64('x'.repeat(at) + USER).slice(4, -4))]
  return filesOf(dir).filter(file => spellings.some(text => readFileSync(file).includes(text)))
}

/** The records and the complaints of a reader. */
async function readAll(dir: string): Promise<{ lines: string[]; complaints: number }> {
  const log = createLogLines()
  const source = await openLog(dir)
  const lines: string[] = []
  for await (const read of readLog({ source, log })) lines.push(...read.lines.map(String))
  await source.close()
  return { lines, complaints: log.lines.length }
}

t.test('All records about a user are erased, everywhere in a data folder, and all others stay unchanged', async t => {
  const { dir, others } = await makeFolder(ownFolder(t))
  t.ok(hits(dir).length >= 6, 'the folder has records about the user at first')
  const erasure = aboutUsers([USER])
  const before = filesOf(dir).map(file => readFileSync(file))
  const counted = await eraseFromDataDir(dir, { erasure, isDryRun: true })
  t.strictSame(
    filesOf(dir).map(file => readFileSync(file)),
    before,
    'a dry run changes nothing'
  )
  const erased = await eraseFromDataDir(dir, { erasure })
  t.strictSame(erased, { records: 11, files: 7 }, 'the erased records and the changed files are counted')
  t.strictSame(counted, erased, 'a dry run returns the same counts')
  t.strictSame(hits(dir), [])
  t.strictSame(await readAll(join(dir, 'events')), { lines: others.events, complaints: 0 })
  t.strictSame(await readAll(join(dir, 'rejected')), { lines: others.rejected, complaints: 0 })
  t.match(readFileSync(join(dir, 'spool', 'refused.jsonl'), 'utf8'), /"userId":"ann"/)
  const segments = filesOf(join(dir, 'events')).filter(file => file.endsWith('.ndjson'))
  t.strictSame(
    [...new Set(segments.map(file => statSync(file).mtimeMs))],
    [OLD.getTime()],
    'the changed segments keep their modification time'
  )
  const [damaged = ''] = filesOf(dir).filter(file => file.endsWith('.damaged'))
  t.equal(readFileSync(damaged, 'utf8'), `{"offset":900,"bytes":15,"base64":"${base64('{"userId":"ann"')}"}\n`)
  t.strictSame(await eraseFromDataDir(dir, { erasure }), { records: 0, files: 0 }, 'a second call finds nothing')
})

t.test('If it is killed before any step, all files are whole, and the next call finishes the work', async t => {
  const model = await makeFolder(join(ownFolder(t), 'model'), { isSmall: true })
  const begin = (dir: string, killAt: number) =>
    run(process.execPath, [ERASE, dir, USER, String(killAt)], { cwd: import.meta.dirname })
  const whole = join(t.testdirName, 'whole')
  cpSync(model.dir, whole, { recursive: true, preserveTimestamps: true })
  const steps = Number((await begin(whole, 0)).stdout)
  t.equal(steps, 11, 'a rewritten segment needs four steps, a deleted segment three, and each other file two')
  for (let killAt = 1; killAt <= steps; killAt++) {
    const dir = join(t.testdirName, `killed-${killAt}`)
    cpSync(model.dir, dir, { recursive: true, preserveTimestamps: true })
    t.equal((await begin(dir, killAt)).signal, 'SIGKILL')
    const copy = join(t.testdirName, `looked-at-${killAt}`)
    cpSync(join(dir, 'events'), copy, { recursive: true })
    const { lines, complaints } = await readAll(copy)
    t.equal(complaints, 0, 'a reader finds no damaged bytes')
    const { events } = model.others
    const others = lines.filter(line => events.includes(line))
    t.strictSame(others, events, `after a kill before step ${killAt}, all other records are there and in order`)
    await eraseFromDataDir(dir, { erasure: aboutUsers([USER]) })
    t.strictSame(hits(dir), [])
    t.strictSame(
      filesOf(dir).map(file => [file.slice(dir.length), readFileSync(file, 'latin1')]),
      filesOf(whole).map(file => [file.slice(whole.length), readFileSync(file, 'latin1')]),
      'the files equal those of a run without a kill'
    )
  }
})

t.test('Damaged bytes are erased if they may be about the user, and copied aside if not', async t => {
  const dir = ownFolder(t)
  const events = join(dir, 'events')
  await write(events, [[event('ann'), event(USER), event('bob'), event(USER), event('cid')]])
  const [name = ''] = readdirSync(events).filter(each => each.endsWith('.ndjson'))
  const path = join(events, name)
  const text = readFileSync(path, 'utf8')
  // One byte of each is changed. Both are still JSON.
  writeFileSync(path, text.replace('"bob"', '"bop"').replace(/("userId":"user-raw-4711".*?)"n":1/s, '$1"n":2'))
  await eraseFromDataDir(dir, { erasure: aboutUsers([USER]) })
  t.strictSame(hits(dir), [])
  const { lines } = await readAll(events)
  t.match(lines, [/"ann"/, /"cid"/])
  t.equal(lines.length, 2, 'a damaged record does not become valid when its segment is rewritten')
  const aside = readFileSync(path.replace('.ndjson', '.damaged'), 'utf8')
  t.match(Buffer.from((JSON.parse(aside) as { base64: string }).base64, 'base64').toString(), '"bop"')
})

t.test('A log continues where it was: a server appends to it, and its last line may be torn', async t => {
  const dir = ownFolder(t)
  const events = join(dir, 'events')
  await write(events, [[event('ann'), event(USER)], [event(USER)]])
  const names = readdirSync(events).filter(each => each.endsWith('.ndjson'))
  appendFileSync(join(events, names[1] ?? ''), `{"userId":"${USER}","eve`)
  await eraseFromDataDir(dir, { erasure: aboutUsers([USER]) })
  t.strictSame(hits(dir), [])
  const log = await openLog(events)
  const later = event('dan')
  await log.append(linesFrom([Buffer.from(later)]))
  await log.close()
  const { lines, complaints } = await readAll(events)
  t.match(lines, [/"ann"/, later])
  t.equal(complaints, 0)
})

t.test('Records that wait for Kafka are not changed, and records that Kafka has are not sent again', async t => {
  const dir = ownFolder(t)
  const spool = join(dir, 'spool')
  await write(spool, [
    [event(USER), event('ann')],
    [event('bob'), event(USER)]
  ])
  const erasure = aboutUsers([USER])
  const before = filesOf(dir).map(file => readFileSync(file, 'latin1'))
  await t.rejects(eraseFromDataDir(dir, { erasure }), StillWaiting)
  const [first = '', last = ''] = readdirSync(spool).filter(each => each.endsWith('.ndjson'))
  await savePosition(join(spool, 'position.json'), { file: first, offset: 10 })
  await t.rejects(eraseFromDataDir(dir, { erasure }), StillWaiting)
  t.strictSame(
    filesOf(dir)
      .filter(file => !file.endsWith('position.json'))
      .map(file => readFileSync(file, 'latin1')),
    before
  )
  await savePosition(join(spool, 'position.json'), { file: last, offset: statSync(join(spool, last)).size })
  await eraseFromDataDir(dir, { erasure })
  t.strictSame(hits(dir), [])
  t.match(await readSpoolStatus(dir), { bytes: 0 })
  const { delivered } = await loadPositions(join(spool, 'position.json'))
  t.strictSame(delivered?.floor, { file: last, offset: statSync(join(spool, last)).size })
  const log = await openLog(spool)
  const reader = await openReader(log)
  t.equal(reader.backlogBytes(), 0)
  await reader.close()
  await log.close()
})

t.test('A folder without any data is not an error', async t => {
  const dir = ownFolder(t)
  t.strictSame(await eraseFromDataDir(dir, { erasure: aboutUsers([USER]) }), { records: 0, files: 0 })
})
