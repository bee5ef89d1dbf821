/** messageIds of one source that became durable: entries of 12 bytes, as a journal has them. */
export interface SeenBatch {
  /** The source, or another stream of ids. */
  readonly name: string
  /** The halves of each id's hash and the second it was kept in, each a 32-bit little-endian number. */
  readonly entries: Uint8Array
}

/** Ids that will be sent to the other servers. */
export interface SeenBuffer {
  /** Adds the id of a durable event. */
  add(name: string, high: number, low: number, unixSeconds: number): void
  readonly isEmpty: boolean
  /** Returns the ids that were added since the last call. */
  take(): readonly SeenBatch[]
}

export const ENTRY_BYTES = 12
const FIRST_ENTRIES = 256
/** The most ids of a source between two calls of take(). Further ids are not sent, which costs duplicates, never events. */
const MAX_ENTRIES = 65_536

interface Pending {
  buffer: Buffer
  bytes: number
}

export function createSeenBuffer(): SeenBuffer {
  const pending = new Map<string, Pending>()
  return {
    add(name, high, low, unixSeconds) {
      let own = pending.get(name)
      if (own === undefined) {
        own = { buffer: Buffer.allocUnsafe(FIRST_ENTRIES * ENTRY_BYTES), bytes: 0 }
        pending.set(name, own)
      }
      if (own.bytes === own.buffer.length && !grow(own)) return
      own.buffer.writeInt32LE(high, own.bytes)
      own.buffer.writeInt32LE(low, own.bytes + 4)
      own.buffer.writeUInt32LE(unixSeconds, own.bytes + 8)
      own.bytes += ENTRY_BYTES
    },
    get isEmpty() {
      return pending.size === 0
    },
    take() {
      const batches = [...pending].map(([name, { buffer, bytes }]) => ({ name, entries: buffer.subarray(0, bytes) }))
      pending.clear()
      return batches
    }
  }
}

function grow(own: Pending): boolean {
  if (own.buffer.length >= MAX_ENTRIES * ENTRY_BYTES) return false
  const larger = Buffer.allocUnsafe(own.buffer.length * 2)
  own.buffer.copy(larger)
  own.buffer = larger
  return true
}
