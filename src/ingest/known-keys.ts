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
