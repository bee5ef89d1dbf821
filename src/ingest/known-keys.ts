/** Keys that SDKs send at the top level: found by their bytes, so that no string is made for each of them. */
const KEYS = [
  'type',
  'messageId',
  'userId',
  'anonymousId',
  'groupId',
  'previousId',
  'event',
  'name',
  'category',
  'properties',
  'traits',
  'context',
  'integrations',
  'timestamp',
  'originalTimestamp',
  'sentAt',
  'receivedAt',
  'writeKey',
  'batch',
  'channel',
  'version',
  'projectId',
  '_metadata'
]
const NAMES: ReadonlySet<string> = new Set(KEYS)

/** In characters, each of them an ASCII letter or an underscore. */
const LONGEST = Math.max(...KEYS.map(key => key.length))

export function isKnownKey(key: string): boolean {
  return NAMES.has(key)
}

interface KnownKey {
  readonly text: string
  readonly bytes: Buffer
}

/** By length and first byte; a few slots hold two. */
const SLOTS: (readonly KnownKey[] | undefined)[] = Array.from({ length: 1024 }, () => undefined)
for (const text of KEYS) {
  const bytes = Buffer.from(text)
  const slot = slotOf(bytes.length, bytes[0] as number)
  SLOTS[slot] = [...(SLOTS[slot] ?? []), { text, bytes }]
}

function slotOf(length: number, firstByte: number): number {
  return ((length << 5) | (firstByte & 0x1f)) & 0x3ff
}

/** The key in bytes [start, end), where it is one of those; undefined for any other. */
export function knownKey(bytes: Buffer, start: number, end: number): string | undefined {
  const length = end - start
  const candidates = SLOTS[slotOf(length, bytes[start] as number)]
  if (candidates === undefined) return undefined
  next: for (const candidate of candidates) {
    if (candidate.bytes.length !== length) continue
    for (let i = 0; i < length; i++) if (candidate.bytes[i] !== bytes[start + i]) continue next
    return candidate.text
  }
  return undefined
}

const BACKSLASH = 0x5c
/** What every escape of a character in a known key begins with, and how many bytes it has in all. */
const ESCAPE = Buffer.from('\\u00')
const ESCAPE_BYTES = 6

const decoded = Buffer.alloc(LONGEST)

/**
 * The same for a key with escapes in it. It makes no string either: a hostile body has room for 30,000 such keys.
 *
 * @param bytes in which [start, end) is what may stand in a JSON string
 */
export function knownEscapedKey(bytes: Buffer, start: number, end: number): string | undefined {
  let length = 0
  for (let at = start; at < end; length++) {
    if (length === LONGEST) return undefined
    const byte = bytes[at] as number
    if (byte === BACKSLASH) {
      for (let i = 1; i < ESCAPE.length; i++) if (bytes[at + i] !== ESCAPE[i]) return undefined
      decoded[length] = hexDigit(bytes[at + 4] as number) * 16 + hexDigit(bytes[at + 5] as number)
      at += ESCAPE_BYTES
    } else {
      decoded[length] = byte
      at++
    }
  }
  return knownKey(decoded, 0, length)
}

function hexDigit(byte: number): number {
  return byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57
}
