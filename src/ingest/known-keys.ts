/** The keys that SDKs send at the top level: found by their bytes, so that no string is made for each of them. */
const KNOWN_KEYS = new Map<number, { readonly text: string; readonly bytes: Buffer }[]>()
for (const text of [
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
]) {
  const bytes = Buffer.from(text)
  const slot = keySlot(bytes.length, bytes[0] as number)
  KNOWN_KEYS.set(slot, [...(KNOWN_KEYS.get(slot) ?? []), { text, bytes }])
}

function keySlot(length: number, firstByte: number): number {
  return length * 256 + firstByte
}

/** The key in bytes [start, end), where it is one of those; undefined for any other. */
export function knownKey(bytes: Buffer, start: number, end: number): string | undefined {
  const candidates = KNOWN_KEYS.get(keySlot(end - start, bytes[start] as number))
  if (candidates === undefined) return undefined
  next: for (const candidate of candidates) {
    for (let i = 1; i < candidate.bytes.length; i++) {
      if (candidate.bytes[i] !== bytes[start + i]) continue next
    }
    return candidate.text
  }
  return undefined
}
