import type { OutgoingRecord } from '../../model/record.ts'
import type { Receipt, Sink } from '../../model/sink.ts'
import type { Position, SegmentLog } from './contract.ts'
import { lengthsOf, PlacedLines, placeOfLine } from './places.ts'

/** The event log as a sink: accepted events go to one folder, rejected records to another; topics are left aside. */
export function createLogSink(options: { events: SegmentLog; rejected: SegmentLog }): Sink {
  const { events, rejected } = options
  return {
    async publish(records) {
      const eventLines: Buffer[] = []
      const rejectedLines: Buffer[] = []
      for (const record of records) (record.kind === 'event' ? eventLines : rejectedLines).push(record.line)
      if (rejectedLines.length === 0 && eventLines.length > 0) return appendOnly(events, eventLines)
      const [event, refused] = await Promise.all([appendAny(events, eventLines), appendAny(rejected, rejectedLines)])
      return toReceipt(records, { event, rejected: refused })
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
    const lengths = records.map(({ line }) => line.length)
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

async function appendOnly(log: SegmentLog, lines: readonly Buffer[]): Promise<Receipt> {
  const first = await log.append(lines)
  return new PlacedLines({ store: 'log', dir: log.dir, first, lengths: lengthsOf(lines) })
}

function appendAny(log: SegmentLog, lines: readonly Buffer[]): Promise<Position> | undefined {
  return lines.length === 0 ? undefined : log.append(lines)
}
