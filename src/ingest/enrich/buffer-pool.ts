/** A pool for the large buffers of requests. */
export interface BufferPool {
  /** A buffer of at least this many bytes, with undefined contents. */
  take(bytes: number): Buffer
  /**
   * Returns the memory of a buffer, or of the buffer that it is a part of, to the pool. Nothing may read or write there any
   * more. A buffer that is not of this pool, or was released before, is ignored.
   */
  release(buffer: Buffer): void
}

/** Smaller buffers are not pooled: Node slices them from a shared buffer at almost no cost. */
const LEAST_BYTES = 32 * 1024
/** Larger buffers are rare and are not pooled. */
const MOST_BYTES = 64 * 1024 * 1024
/** Each size is a fifth larger than the size before, which bounds the unused part of a buffer. */
const SIZES_AN_OCTAVE = 4
/** Enough for sixteen clients that send the largest batches. */
const MAX_KEPT_BYTES = 32 * 1024 * 1024

/**
 * A pool that reuses memory. V8 runs a full garbage collection for every 64 MB of buffers that are allocated outside its
 * heap. With the largest batches that was ten times a second and took a third of the CPU time.
 */
export class RecyclingBufferPool implements BufferPool {
  readonly #sizes = sizes()
  /** Unused memory, by the index of its size. */
  readonly #free: ArrayBuffer[][] = this.#sizes.map(() => [])
  /** Whether memory is in use, for all memory that the pool allocated. */
  readonly #isTaken = new WeakMap<ArrayBuffer, boolean>()
  readonly #maxKeptBytes: number
  #keptBytes = 0

  /** @param maxKeptBytes the most bytes that the pool keeps unused */
  constructor(maxKeptBytes = MAX_KEPT_BYTES) {
    this.#maxKeptBytes = maxKeptBytes
  }

  /** Bytes that the pool keeps unused. */
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

/** Node's allocator as a pool: release() does nothing, and the garbage collector frees the memory. */
export const UNPOOLED_BUFFERS: BufferPool = { take: bytes => Buffer.allocUnsafe(bytes), release: () => undefined }
