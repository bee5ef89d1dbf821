import { copyFileSync, mkdirSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import type { SegmentLog } from '../../../../src/durability/log/contract.ts'
import {
  type Batch,
  type LogReader,
  idOf,
  linesOf,
  openLog,
  openReader,
  linesFrom
} from '../../../support/event-log.ts'

/**
 * The log as its users may rely on it: the acknowledged ids in order, and which of them the relay has confirmed. A line
 * in flight when the machine crashes may be there afterwards, or not, or in part.
 */
interface Model {
  next: number
  acked: number[]
  /** Appended and not acknowledged: may be there afterwards. */
  possible: Set<number>
  confirmed: Set<number>
}

interface Real {
  root: string
  life: number
  log: SegmentLog
  reader: LogReader
  /** Read since the reader was opened, in order. */
  seen: number[]
  batch: Batch | undefined
}

type Command = fc.AsyncCommand<Model, Real>

const folder = (real: Real): string => join(real.root, String(real.life))

async function open(real: Omit<Real, 'log' | 'reader'>): Promise<Real> {
  const log = await openLog(join(real.root, String(real.life)), { maxSegmentBytes: 300 })
  const reader = await openReader(log, { deleteConsumed: true, chunkBytes: 120 })
  return { ...real, log, reader, seen: [], batch: undefined }
}

async function closeAll(real: Real): Promise<void> {
  await real.reader.close()
  await real.log.close()
}

/**
 * Everything that is acknowledged and not confirmed is read again in order, without unknown lines and without copies.
 */
async function checkAll(model: Model, real: Real): Promise<void> {
  for (let batch = await real.reader.next(); batch !== undefined; batch = await real.reader.next()) {
    real.seen.push(...batch.lines.map(line => idOf(line) as number))
    real.batch = batch
  }
  const seen = new Set(real.seen)
  const lost = model.acked.filter(id => !seen.has(id) && !model.confirmed.has(id))
  const unknown = real.seen.filter(id => !model.acked.includes(id) && !model.possible.has(id))
  const isOrdered = real.seen.every((id, index) => index === 0 || id > (real.seen[index - 1] ?? 0))
  if (lost.length + unknown.length > 0 || !isOrdered) {
    throw new Error(`lost ${lost.join()}; unknown ${unknown.join()}; read ${real.seen.join()}`)
  }
}

class Append implements Command {
  readonly sizes: readonly number[]
  constructor(sizes: readonly number[]) {
    this.sizes = sizes
  }
  check = (): boolean => true
  async run(model: Model, real: Real): Promise<void> {
    const appends = this.sizes.map(async size => {
      const ids = Array.from({ length: size }, () => model.next++)
      await real.log.append(linesFrom(linesOf(ids, ids[0]! % 40)))
      model.acked.push(...ids)
    })
    await Promise.all(appends)
  }
  toString = (): string => `append(${this.sizes.join()})`
}

class Rotate implements Command {
  check = (): boolean => true
  async run(_: Model, real: Real): Promise<void> {
    real.log.rotate()
  }
  toString = (): string => 'rotate'
}

class Read implements Command {
  check = (): boolean => true
  async run(_: Model, real: Real): Promise<void> {
    const batch = await real.reader.next()
    if (batch === undefined) return
    real.seen.push(...batch.lines.map(line => idOf(line) as number))
    real.batch = batch
  }
  toString = (): string => 'read'
}

class Commit implements Command {
  readonly all: boolean
  constructor(all: boolean) {
    this.all = all
  }
  check = (): boolean => true
  async run(model: Model, real: Real): Promise<void> {
    const { batch } = real
    if (batch === undefined) return
    await real.reader.commit(this.all ? batch.end : batch.after(0))
    const last = idOf((this.all ? batch.lines.at(-1) : batch.lines[0]) ?? Buffer.from('{"id":-1}'))
    for (const id of real.seen) if (id <= Number(last)) model.confirmed.add(id)
  }
  toString = (): string => `commit(${this.all ? 'all' : 'one'})`
}

class Reopen implements Command {
  check = (): boolean => true
  async run(_: Model, real: Real): Promise<void> {
    await closeAll(real)
    Object.assign(real, await open(real))
  }
  toString = (): string => 'reopen'
}

/** The machine crashes during appends: each file keeps what was fsynced, and some of the rest. */
class Crash implements Command {
  readonly underWay: number
  readonly turns: number
  readonly left: number
  constructor(underWay: number, turns: number, left: number) {
    this.underWay = underWay
    this.turns = turns
    this.left = left
  }
  check = (): boolean => true
  async run(model: Model, real: Real): Promise<void> {
    let isAlive = true
    const appends = Array.from({ length: this.underWay }, async () => {
      const ids = [model.next++, model.next++]
      for (const id of ids) model.possible.add(id)
      await real.log.append(linesFrom(linesOf(ids, 30)))
      if (isAlive) model.acked.push(...ids)
    })
    for (let turn = 0; turn < this.turns; turn += 1) await new Promise(resolve => setImmediate(resolve))
    isAlive = false
    this.#copyWhatSurvives(real)
    const before = { ...real }
    real.life += 1
    Object.assign(real, await open(real))
    await Promise.all(appends)
    await closeAll(before)
    rmSync(folder(before), { recursive: true })
  }
  #copyWhatSurvives(real: Real): void {
    const from = folder(real)
    const to = join(real.root, String(real.life + 1))
    const durable = new Map(real.log.segments().map(segment => [segment.file, segment.bytes]))
    mkdirSync(to)
    for (const name of readdirSync(from)) {
      copyFileSync(join(from, name), join(to, name))
      const { size } = statSync(join(to, name))
      const kept = name.endsWith('.ndjson') ? (durable.get(name) ?? 0) : name.endsWith('.crc') ? 0 : size
      truncateSync(join(to, name), Math.max(kept, Math.min(size, kept + Math.floor((size - kept) * this.left))))
    }
  }
  toString = (): string => `crash(${this.underWay} under way, ${this.turns} turns, ${this.left} of it left)`
}

t.test(
  'with any sequence of appends, rotations, reads, commits, reopens and crashes: nothing acknowledged is lost, and the order is kept',
  { timeout: 300_000 },
  async t => {
    const root = t.testdir()
    let run = 0
    const commands = fc.commands(
      [
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 }).map(sizes => new Append(sizes)),
        fc.constant(new Rotate()),
        fc.constant(new Read()),
        fc.boolean().map(all => new Commit(all)),
        fc.constant(new Reopen()),
        fc
          .record({ underWay: fc.nat(4), turns: fc.nat(40), left: fc.double({ min: 0, max: 1, noNaN: true }) })
          .map(({ underWay, turns, left }) => new Crash(underWay, turns, left))
      ],
      { maxCommands: 30 }
    )
    async function live(steps: Iterable<Command>): Promise<void> {
      const place = join(root, String((run += 1)))
      mkdirSync(place)
      const real = await open({ root: place, life: 0, seen: [], batch: undefined })
      const model: Model = { next: 0, acked: [], possible: new Set(), confirmed: new Set() }
      try {
        await fc.asyncModelRun(() => ({ model, real }), steps)
        await checkAll(model, real)
      } finally {
        await closeAll(real)
        rmSync(place, { recursive: true })
      }
    }
    let last: Promise<void> = Promise.resolve()
    const histories = fc.asyncProperty(commands, steps => (last = live(steps)))
    await fc.assert(histories, { numRuns: 50 })
    // As many more as the disk allows in a few seconds.
    await fc.assert(histories, { numRuns: 250, interruptAfterTimeLimit: 6_000 })
    await last // the one that the time limit has interrupted still writes to its folder
    t.pass(`${run} histories hold the promise`)
  }
)
