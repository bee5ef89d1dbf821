import { inflateRawSync } from 'node:zlib'

/** Flags in a member's header (RFC 1952, 2.3.1). */
const FLAG = { crc: 0b10, extra: 0b100, name: 0b1000, comment: 0b10000 } as const
const FIXED_HEAD_BYTES = 10
/** The checksum and the size of a member follow its data. */
const TRAILER_BYTES = 8

/**
 * Inflates the complete members at the start of gzipped bytes, up to `most` bytes. Node's own inflater treats everything
 * after a member as another member; if it is none, the inflater discards its latest output.
 */
export function inflateMembers(bytes: Buffer, most: number): Buffer {
  const members: Buffer[] = []
  let length = 0
  for (let at = 0; at < bytes.length && length < most;) {
    const start = dataStart(bytes, at)
    const member = start === undefined ? undefined : inflateMember(bytes.subarray(start), most - length)
    if (start === undefined || member === undefined) break
    members.push(member.data)
    length += member.data.length
    at = start + member.consumed + TRAILER_BYTES
  }
  return Buffer.concat(members)
}

function inflateMember(bytes: Buffer, most: number): { data: Buffer; consumed: number } | undefined {
  try {
    const { buffer, engine } = inflateRawSync(bytes, { info: true, maxOutputLength: most }) as unknown as {
      readonly buffer: Buffer
      readonly engine: { readonly bytesWritten: number }
    }
    return { data: buffer, consumed: engine.bytesWritten }
  } catch {
    return undefined
  }
}

/** The position of a member's data; undefined if no member's header begins at `at`. */
function dataStart(bytes: Buffer, at: number): number | undefined {
  if (bytes[at] !== 0x1f || bytes[at + 1] !== 0x8b || bytes[at + 2] !== 8) return undefined
  const flags = bytes[at + 3] ?? 0
  let end = at + FIXED_HEAD_BYTES
  if (flags & FLAG.extra) end += 2 + (bytes[end] ?? 0) + 256 * (bytes[end + 1] ?? 0)
  for (const text of [FLAG.name, FLAG.comment]) {
    if (!(flags & text)) continue
    const zero = bytes.indexOf(0, end)
    if (zero < 0) return undefined
    end = zero + 1
  }
  if (flags & FLAG.crc) end += 2
  return end < bytes.length ? end : undefined
}
