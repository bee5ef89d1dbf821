import type { OutgoingRecord } from '../../model/record.ts'
import type { Place } from '../lanes/place.ts'

/** Makes a line of the log a record again; undefined where it is none. */
export type Restore = (line: Buffer) => OutgoingRecord | undefined

interface Era {
  readonly restore: Restore
  /** Where its last line ends. */
  end: Place
}

/**
 * By which configuration each line of the log is routed when it is read back: the one that was in force when the line was
 * handed in. What an earlier process has written is routed by the first one.
 */
export class RoutingEras {
  #eras: Era[]

  /** @param end where the log ends now */
  constructor(first: Restore, end: Place) {
    this.#eras = [{ restore: first, end }]
  }

  /** Another configuration is in force: lines that are handed in from now on are routed by it. */
  begin(restore: Restore): void {
    this.#eras.push({ restore, end: -Infinity })
  }

  /** Lines are handed in now. The result is to be told where they end, once they are written. */
  handIn(): (end: Place) => void {
    const era = this.#eras.at(-1) as Era
    return end => (era.end = Math.max(era.end, end))
  }

  restore(line: Buffer, place: Place): OutgoingRecord | undefined {
    const era = this.#eras.find(({ end }) => place < end) ?? this.#eras.at(-1)
    return era?.restore(line)
  }

  /** Lines before this place are not read any more. */
  forget(floor: () => Place): void {
    while (this.#eras.length > 1 && (this.#eras[0] as Era).end <= floor()) this.#eras.shift()
  }
}
