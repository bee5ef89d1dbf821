import type { SinkHealth } from '../../model/sink.ts'

/** A position in a folder of segments: `file` is a segment's name, `offset` a byte position in it. */
export interface Position {
  readonly file: string
  readonly offset: number
}

/** A segment, for readers. The object is live: `bytes` grows and `closed` becomes true while the log runs. */
export interface SegmentInfo {
  readonly file: string
  /** Rises from each segment to the next. */
  readonly sequence: number
  /** The durable length: whole lines, fsynced. */
  readonly bytes: number
  /** The segment does not grow any more. */
  readonly closed: boolean
}

/** Some bytes of a segment. */
export interface ByteRange {
  readonly offset: number
  readonly bytes: number
}

/** Bytes that are no record, or no longer the record that was written. */
export interface DamagedRange extends ByteRange {
  readonly file: string
}

/** A confirmed write, for the metrics. */
export interface Write {
  readonly records: number
  readonly bytes: number
  readonly milliseconds: number
}

/** The part of the logger that the log needs. pino's logger matches it. */
export interface LogLines {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What a reader needs from a folder of segments, whether a log is writing to it or not. */
export interface SegmentSource {
  readonly dir: string
  /** Oldest first. */
  segments(): readonly SegmentInfo[]
}

/** Whole lines in order, each with its line feed, in as many pieces of memory as needed. No line spans two pieces. */
export interface Lines {
  readonly pieces: readonly Buffer[]
  /** The length of each line, in bytes. */
  readonly lengths: readonly number[]
}

/** One folder of NDJSON segments that this process writes. */
export interface SegmentLog extends SegmentSource {
  /**
   * Calls `listener` after every change (data committed, segments deleted, log closed). Returns the function that ends
   * it.
   */
  subscribe(listener: () => void): () => void
  /**
   * Deletes whole segments. Keeps a segment that is being written or has grown past the `bytes` named here. Rejects
   * with the file system's error; another call can remove the rest.
   */
  remove(segments: readonly { readonly file: string; readonly bytes: number }[]): Promise<void>
  /**
   * Appends lines together, in this order, to one segment. Resolves with the position of the first line when all are
   * fsynced. The buffers must not change until then. Rejects with SinkUnavailable if the lines cannot be made durable
   * now: then none or all of them may be on disk.
   */
  append(lines: Lines): Promise<Position>
  /** Ends the active segment, so that it may be deleted. The next append begins another one. */
  rotate(): void
  health(): SinkHealth
  /** Bytes of records in all segments. Their checksums take about 16 bytes more for each record. */
  bytes(): number
  /** Bytes of appends that are not durable yet. */
  queuedBytes(): number
  /** Commits all appends, then closes the files. Safe to call twice. */
  close(): Promise<void>
}
