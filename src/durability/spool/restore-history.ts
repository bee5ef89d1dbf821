import type { OutgoingRecord } from '../../model/record.ts'
import type { Place } from '../lanes/place.ts'

/** Makes a record of a line of the log; undefined if the line is no record. */
export type Restore = (line: Buffer) => OutgoingRecord | undefined

interface RestoreVersion {
  readonly restore: Restore
  /** Where its last line ends. */
  end: Place
}

/**
 * By which configuration each line of the log is routed when it is read back: the one that was in force when the line
 * was handed in. What an earlier process has written is routed by the first one.
 */
export class RestoreHistory {
  #versions: RestoreVersion[]

  /** @param end where the log ends now */
  constructor(first: Restore, end: Place) {
    this.#versions = [{ restore: first, end }]
  }

  /** Another configuration is in force: it routes the lines that are written from now on. */
  add(restore: Restore): void {
    this.#versions.push({ restore, end: -Infinity })
  }

  /** To be called before lines are written. The caller passes the place where they end to the returned function. */
  beginWrite(): (end: Place) => void {
    const version = this.#versions.at(-1) as RestoreVersion
    return end => (version.end = Math.max(version.end, end))
  }

  restore(line: Buffer, place: Place): OutgoingRecord | undefined {
    const version = this.#versions.find(({ end }) => place < end) ?? this.#versions.at(-1)
    return version?.restore(line)
  }

  /** Forgets configurations of lines before this place: these lines are not read any more. */
  forget(floor: () => Place): void {
    while (this.#versions.length > 1 && (this.#versions[0] as RestoreVersion).end <= floor()) this.#versions.shift()
  }
}
