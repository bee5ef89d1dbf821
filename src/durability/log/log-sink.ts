import type { OutgoingRecord } from '../../model/record.ts'
import type { ReadPlaces, Receipt, Sink } from '../../model/sink.ts'
import type { SegmentLog } from './contract.ts'
import type { ReceiptMaker } from './places.ts'
import { createReceiptMaker } from './places.ts'
import { linesOf } from './record-lines.ts'

/** A folder of segments, and the function that makes receipts for its records. */
interface Folder {
  readonly log: SegmentLog
  readonly toReceipt: ReceiptMaker
}

/**
 * The event log as a sink: accepted events go to one folder, rejected records to another, violations to a third. Topics
 * are ignored. A call with violations must contain nothing else, and needs their folder.
 */
export function createLogSink(options: {
  readonly events: SegmentLog
  readonly rejected: SegmentLog
  readonly violations?: SegmentLog | undefined
}): Sink {
  const events = toFolder(options.events)
  const rejected = toFolder(options.rejected)
  const violations = options.violations && toFolder(options.violations)
  const folders = [events, rejected, violations].filter(folder => folder !== undefined)
  return {
    async publish(records) {
      if (records.every(isEvent)) return append(events, records)
      if (violations !== undefined && records[0]?.kind === 'violation') return append(violations, records)
      const [event, rejection] = await Promise.all([
        append(events, records.filter(isEvent)),
        append(
          rejected,
          records.filter(record => !isEvent(record))
        )
      ])
      return joined(records, event, rejection)
    },
    health() {
      const [a, b] = [events.log.health(), rejected.log.health()]
      const problems = [...new Set(folders.flatMap(({ log }) => log.health().problems))]
      // Events of clients do not need the folder of violations.
      return { ready: a.ready && b.ready, problems: [...new Set(problems)] }
    },
    async close() {
      await Promise.all(folders.map(({ log }) => log.close()))
    }
  }
}

const NOTHING: Receipt = { marks: [], read: () => [], released: true }

function toFolder(log: SegmentLog): Folder {
  return { log, toReceipt: createReceiptMaker('log', log.dir) }
}

function isEvent({ kind }: OutgoingRecord): boolean {
  return kind === 'event'
}

async function append({ log, toReceipt }: Folder, records: readonly OutgoingRecord[]): Promise<Receipt> {
  if (records.length === 0) return NOTHING
  const lines = linesOf(records)
  return toReceipt(await log.append(lines), lines.lengths)
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
