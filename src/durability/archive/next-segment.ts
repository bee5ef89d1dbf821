import { finished } from 'node:stream/promises'
import { constants, createZstdCompress } from 'node:zlib'
import type { ReadPiece } from '../kafka/topics/read-topics.ts'
import type { ArchivePiece } from './folder.ts'
import type { ArchiveState } from './segments.ts'

/** A segment ends beyond so many bytes, compressed; they are held in memory. */
const MAX_BYTES = 16 * 1024 * 1024
const LEVEL = 3
const LINE_FEED = Buffer.from('\n')

/** Compresses records that will be one segment. */
export class NextSegment {
  /** Monotonic milliseconds: when it was begun. */
  readonly since: number
  records = 0
  positions: ArchiveState['positions'] = {}
  /** One frame for all of it: Node reads the first of several frames alone, without an error. */
  readonly #compressor = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: LEVEL } })
  readonly #chunks: Buffer[] = []
  #bytes = 0
  #latest = 0
  #ended: Promise<void> | undefined

  constructor(since: number) {
    this.since = since
    this.#compressor.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk)
      this.#bytes += chunk.length
    })
    // add() and end() reject with it.
    this.#compressor.on('error', () => undefined)
  }

  get isFull(): boolean {
    return this.#bytes >= MAX_BYTES
  }

  /** True after end(): nothing can be added. */
  get isClosed(): boolean {
    return this.#compressor.writableEnded
  }

  /** @param latest milliseconds since the epoch: none of the records is younger */
  async add({ name, values, position }: ReadPiece, latest: number): Promise<void> {
    if (values.length > 0) await this.#write(Buffer.concat(values.flatMap(value => [value, LINE_FEED])))
    this.records += values.length
    this.#latest = Math.max(this.#latest, latest)
    this.positions = { ...this.positions, [name]: position }
  }

  /** The whole segment. Can be called again, and rejects again where the compressor failed. */
  async end(): Promise<ArchivePiece> {
    await (this.#ended ??= finished(this.#compressor.end()))
    return { bytes: Buffer.concat(this.#chunks), latest: this.#latest, positions: this.positions }
  }

  #write(bytes: Buffer): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#compressor.write(bytes, error => (error ? reject(error) : resolve()))
    return promise
  }
}
