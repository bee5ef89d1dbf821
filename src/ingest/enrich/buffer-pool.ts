/** Where the large buffers of requests come from. */
export interface BufferPool {
  /** At least so many bytes, with anything in them. */
  take(bytes: number): Buffer
  /**
   * The memory of this buffer, or of the one that it is a part of, may be used again: nobody reads or writes there any
   * more. What was not taken from here, or was given back before, is left alone.
   */
  release(buffer: Buffer): void
}

/** Node cuts smaller ones from memory that they share, which costs next to nothing. */
const LEAST_BYTES = 32 * 1024
/** Larger ones are rare. */
const MOST_BYTES = 64 * 1024 * 1024
/** Each size is a fifth above the one before: that much is given away at most. */
const SIZES_AN_OCTAVE = 4
/** What sixteen clients need that send the largest batches. */
const MAX_KEPT_BYTES = 32 * 1024 * 1024

/**
 * Memory that is used again. What V8 is told of buffers outside its heap makes it collect all of the heap after every
 * 64 MB of them: with the largest batches that was ten times a second, a third of the processor.
 */
export class RecyclingBufferPool implements BufferPool {
  readonly #sizes = sizes()
  /** By size. */
  readonly #free: ArrayBuffer[][] = this.#sizes.map(() => [])
  /** Whether it is with somebody; of all that was made here. */
  readonly #isTaken = new WeakMap<ArrayBuffer, boolean>()
  readonly #maxKeptBytes: number
  #keptBytes = 0

  /** @param maxKeptBytes what may lie here unused */
  constructor(maxKeptBytes = MAX_KEPT_BYTES) {
    this.#maxKeptBytes = maxKeptBytes
  }

  /** Bytes that lie here unused. */
  get keptBytes(): number {
    return this.#keptBytes
  }

  take(bytes: number): Buffer {
    if (bytes < LEAST_BYTES || bytes > MOST_BYTES) return Buffer.allocUnsafe(bytes)
    const at = this.#sizes.findIndex(size => size >= bytes)
    const size = this.#sizes[at] as number
    const kept = this.#free[at]?.pop()
    if (kept !== undefined) this.#keptBytes -= size
    const memory = kept ?? Buffer.allocUnsafeSlow(size).buffer
    this.#isTaken.set(memory, true)
    return Buffer.from(memory)
  }

  release({ buffer }: Buffer): void {
    const memory = buffer as ArrayBuffer
    if (this.#isTaken.get(memory) !== true) return
    this.#isTaken.set(memory, false)
    const size = memory.byteLength
    if (this.#keptBytes + size > this.#maxKeptBytes) return
    this.#free[this.#sizes.indexOf(size)]?.push(memory)
    this.#keptBytes += size
  }
}

function sizes(): readonly number[] {
  const octaves = Math.log2(MOST_BYTES / LEAST_BYTES)
  return Array.from({ length: octaves * SIZES_AN_OCTAVE + 1 }, (_, i) =>
    Math.ceil(LEAST_BYTES * 2 ** (i / SIZES_AN_OCTAVE))
  )
}

/** What nobody gives back: the collector of garbage frees it. */
export const UNPOOLED_BUFFERS: BufferPool = { take: bytes => Buffer.allocUnsafe(bytes), release: () => undefined }
