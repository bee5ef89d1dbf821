import type { SinkHealth } from '../../model/sink.ts'

/** A place in a folder of segments: `file` is a segment's name, `offset` a byte position in it. */
export interface Position {
  readonly file: string
  readonly offset: number
}

/** A segment as others see it. The object is live: `bytes` grows and `closed` turns true while the log runs. */
export interface SegmentInfo {
  readonly file: string
  /** Rises from each segment to the next. */
  readonly sequence: number
  /** The durable length: whole lines, fsynced. */
  readonly bytes: number
  /** The segment does not grow any more. */
  readonly closed: boolean
}

/** Bytes that are no record, or no longer the record that was written. */
export interface DamagedRange {
  readonly file: string
  readonly offset: number
  readonly bytes: number
}

/** The logger, as far as the log needs it; pino has this form. */
export interface LogLines {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What a reader needs of a folder of segments, whether a running log's or one at rest. */
export interface SegmentSource {
  readonly dir: string
  /** Oldest first. */
  segments(): readonly SegmentInfo[]
  /** Calls back after every change (data committed, segments deleted, log closed); returns the way to stop that. */
  subscribe(listener: () => void): () => void
  /**
   * Deletes whole segments. One that is still written, or has grown past the `bytes` named here, stays.
   * Rejects with the file system's error; what is left can be removed by another call.
   */
  remove(segments: readonly { readonly file: string; readonly bytes: number }[]): Promise<void>
}

/** Whole lines, each with its line feed, in pieces of memory: one after the other, none in two pieces. */
export interface Lines {
  readonly pieces: readonly Buffer[]
  /** The length of each line, in bytes. */
  readonly lengths: readonly number[]
}

/** One folder of NDJSON segments that this process writes. */
export interface SegmentLog extends SegmentSource {
  /**
   * Appends lines, side by side and in this order, all in one segment. Resolves with the position of the first once all
   * are fsynced. The buffers must not change until then. Rejects with SinkUnavailable when they cannot be made durable
   * now: then none or all of them may be on disk.
   */
  append(lines: Lines): Promise<Position>
  /** Ends the active segment, so that it may be deleted; the next append begins another. */
  rotate(): void
  health(): SinkHealth
  /** Bytes of records in all segments; checksums beside them take about 16 bytes a record more. */
  bytes(): number
  /** Bytes of appends that are not durable yet. */
  queuedBytes(): number
  /** Commits all appends, then closes the files. Safe to call twice. */
  close(): Promise<void>
}
