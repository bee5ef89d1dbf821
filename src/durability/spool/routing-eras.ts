import type { OutgoingRecord } from '../../model/record.ts'
import type { Place } from '../lanes/place.ts'

/** Makes a record of a line of the log; undefined if the line is no record. */
export type Restore = (line: Buffer) => OutgoingRecord | undefined

interface Era {
  readonly restore: Restore
  /** Where its last line ends. */
  end: Place
}

/**
 * By which configuration each line of the log is routed when it is read back: the one that was in force when the line
 * was handed in. What an earlier process has written is routed by the first one.
 */
export class RoutingEras {
  #eras: Era[]

  /** @param end where the log ends now */
  constructor(first: Restore, end: Place) {
    this.#eras = [{ restore: first, end }]
  }

  /** Another configuration is in force: it routes the lines that are written from now on. */
  begin(restore: Restore): void {
    this.#eras.push({ restore, end: -Infinity })
  }

  /** To be called before lines are written. The caller passes the place where they end to the returned function. */
  handIn(): (end: Place) => void {
    const era = this.#eras.at(-1) as Era
    return end => (era.end = Math.max(era.end, end))
  }

  restore(line: Buffer, place: Place): OutgoingRecord | undefined {
    const era = this.#eras.find(({ end }) => place < end) ?? this.#eras.at(-1)
    return era?.restore(line)
  }

  /** Forgets configurations of lines before this place: these lines are not read any more. */
  forget(floor: () => Place): void {
    while (this.#eras.length > 1 && (this.#eras[0] as Era).end <= floor()) this.#eras.shift()
  }
}
