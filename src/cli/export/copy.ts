import { createProgress } from '../stored/progress.ts'
import type { Progress } from '../stored/progress.ts'
import type { EventLine } from './event-line.ts'
import { eventLineOf } from './event-line.ts'
import type { Output } from './output.ts'
import type { Source } from './source.ts'
import type { Tables } from './tables.ts'

/** A step ends when it has this many bytes of events, whatever its rows. */
const STEP_BYTES = 32 * 1024 * 1024

/** Which events are copied. */
interface Wanted {
  /** Names of track calls; empty: all events. */
  readonly events: ReadonlySet<string>
  /** Milliseconds since the epoch; receivedAt within [from, to). */
  readonly from: number
  readonly to: number
  /** A step ends when it has this many rows. */
  readonly rows: number
}

export interface CopyOptions {
  readonly source: Source
  readonly output: Output
  readonly wanted: Wanted
  readonly newTables: () => Tables
  readonly note: (text: string) => void
}

export interface Copied {
  /** Records that are no events of this server. */
  unreadable: number
  /** Values that did not fit the type of their column. */
  unfit: number
}

/** Copies events from the source to the output, a step at a time. */
export async function copyEvents({ source, output, wanted, newTables, note }: CopyOptions): Promise<Copied> {
  const copied: Copied = { unreadable: 0, unfit: 0 }
  let tables = newTables()
  let bytes = 0
  let positions: Record<string, unknown> = {}
  let progress: Progress | undefined

  async function endStep(): Promise<void> {
    if (Object.keys(positions).length === 0) return
    await output.write(tables.filled(), positions)
    copied.unfit += tables.unfit
    tables = newTables()
    bytes = 0
    positions = {}
  }

  for await (const read of source.read()) {
    for (const value of read.values) {
      const event = eventLineOf(value)
      if (event === undefined) copied.unreadable++
      else if (isWanted(event, wanted)) tables.add(event)
      bytes += value.length
    }
    positions = { ...positions, ...read.positions }
    progress ??= createProgress({ total: read.total, note })
    progress.add(read.amount, output.state.rows + tables.rows)
    if (tables.rows >= wanted.rows || bytes >= STEP_BYTES) await endStep()
  }
  await endStep()
  progress?.end()
  return copied
}

function isWanted({ value, receivedAt }: EventLine, { events, from, to }: Wanted): boolean {
  if (receivedAt < from || receivedAt >= to) return false
  return events.size === 0 || (value['type'] === 'track' && events.has(String(value['event'])))
}
