import type { OutgoingRecord } from '../../model/record.ts'
import type { Receipt, Sink } from '../../model/sink.ts'
import type { Position, SegmentLog } from './contract.ts'
import { PlacedLines, placeOfLine } from './places.ts'
import { linesOf } from './record-lines.ts'

/** The event log as a sink: accepted events go to one folder, rejected records to another; topics are left aside. */
export function createLogSink(options: { events: SegmentLog; rejected: SegmentLog }): Sink {
  const { events, rejected } = options
  return {
    async publish(records) {
      const isEvent = ({ kind }: OutgoingRecord): boolean => kind === 'event'
      if (records.length > 0 && records.every(isEvent)) return appendOnly(events, records)
      const good = records.filter(isEvent)
      const refused = records.filter(({ kind }) => kind === 'rejected')
      const [event, rejection] = await Promise.all([appendAny(events, good), appendAny(rejected, refused)])
      return toReceipt(records, { event, rejected: rejection })
    },
    health() {
      const [a, b] = [events.health(), rejected.health()]
      return { ready: a.ready && b.ready, problems: [...new Set([...a.problems, ...b.problems])] }
    },
    async close() {
      await Promise.all([events.close(), rejected.close()])
    }
  }

  function toReceipt(
    records: readonly OutgoingRecord[],
    starts: Partial<Record<OutgoingRecord['kind'], Position>>
  ): Receipt {
    const kinds = records.map(({ kind }) => kind)
    const lengths = records.map(({ lineStart, lineEnd }) => lineEnd - lineStart)
    return {
      places(index) {
        const kind = kinds[index]
        const first = kind === undefined ? undefined : starts[kind]
        if (first === undefined) return []
        const { dir } = kind === 'event' ? events : rejected
        const before = lengths.slice(0, index).filter((_length, at) => kinds[at] === kind)
        return [placeOfLine({ store: 'log', dir, first, lengths: before }, before.length)]
      }
    }
  }
}

async function appendOnly(log: SegmentLog, records: readonly OutgoingRecord[]): Promise<Receipt> {
  const lines = linesOf(records)
  const first = await log.append(lines)
  return new PlacedLines({ store: 'log', dir: log.dir, first, lengths: lines.lengths })
}

function appendAny(log: SegmentLog, records: readonly OutgoingRecord[]): Promise<Position> | undefined {
  return records.length === 0 ? undefined : log.append(linesOf(records))
}
