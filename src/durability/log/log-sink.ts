import { basename, join } from 'node:path'
import type { OutgoingRecord } from '../../model/record.ts'
import type { ReadPlaces, Receipt, Sink } from '../../model/sink.ts'
import type { SegmentLog } from './contract.ts'
import { linesOf } from './record-lines.ts'

/**
 * The event log as a sink: accepted events go to one folder, rejected records to another, violations to a third. Topics
 * are ignored. A call with violations must contain nothing else, and needs their folder.
 */
export function createLogSink(logs: {
  readonly events: SegmentLog
  readonly rejected: SegmentLog
  readonly violations?: SegmentLog | undefined
}): Sink {
  const all = [logs.events, logs.rejected, logs.violations].filter(log => log !== undefined)
  const appendEvents = createAppend(logs.events)
  const appendRejected = createAppend(logs.rejected)
  const appendViolations = logs.violations && createAppend(logs.violations)
  return {
    async publish(records) {
      if (records.every(isEvent)) return appendEvents(records)
      if (appendViolations !== undefined && records[0]?.kind === 'violation') return appendViolations(records)
      const [event, rejection] = await Promise.all([
        appendEvents(records.filter(isEvent)),
        appendRejected(records.filter(record => !isEvent(record)))
      ])
      return joined(records, event, rejection)
    },
    health() {
      const problems = new Set(all.flatMap(log => log.health().problems))
      // Events of clients do not need the folder of violations.
      return { ready: logs.events.health().ready && logs.rejected.health().ready, problems: [...problems] }
    },
    async close() {
      await Promise.all(all.map(log => log.close()))
    }
  }
}

function isEvent({ kind }: OutgoingRecord): boolean {
  return kind === 'event'
}

const NOTHING: Receipt = { marks: [], read: () => [], released: true }

/** Appends records to one folder. The marks of their receipt are byte positions in the file that its `read` names. */
function createAppend(log: SegmentLog): (records: readonly OutgoingRecord[]) => Promise<Receipt> {
  // A segment has very many appends: their receipts share one reading function.
  let latest: { readonly file: string; readonly read: ReadPlaces } | undefined
  return async records => {
    if (records.length === 0) return NOTHING
    const lines = linesOf(records)
    const { file, offset } = await log.append(lines)
    if (latest?.file !== file) latest = { file, read: placesIn(join(basename(log.dir), file)) }
    const marks: number[] = []
    let next = offset
    for (const length of lines.lengths) {
      marks.push(next)
      next += length
    }
    return { marks, read: latest.read, released: true }
  }
}

function placesIn(file: string): ReadPlaces {
  return (marks, index) => {
    const position = marks[index]
    return position === undefined ? [] : [{ store: 'log', file, position }]
  }
}

/** The receipt of records of both kinds. Marks of rejected records are bitwise inverted, which makes them negative. */
function joined(records: readonly OutgoingRecord[], event: Receipt, rejection: Receipt): Receipt {
  let [events, rejections] = [0, 0]
  const marks = records.map(record =>
    isEvent(record) ? (event.marks[events++] as number) : -1 - (rejection.marks[rejections++] as number)
  )
  const read: ReadPlaces = (all, index) => {
    const mark = all[index] ?? 0
    return mark < 0 ? rejection.read([-1 - mark], 0) : event.read(all, index)
  }
  return { marks, read, released: true }
}
