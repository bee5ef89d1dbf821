/** The length of a zigzag varint in bytes. Kafka's records have no other kind. Each byte holds seven bits. */
export function varintBytes(value: number): number {
  let bytes = 1
  for (let rest = zigzag(value); rest >= 128; rest /= 128) bytes++
  return bytes
}

/** Writes a zigzag varint. Returns the position after it. */
export function writeVarint(target: Uint8Array, from: number, value: number): number {
  let at = from
  let rest = zigzag(value)
  for (; rest >= 128; rest = Math.floor(rest / 128)) target[at++] = (rest % 128) + 128
  target[at++] = rest
  return at
}

/**
 * Makes small negative numbers short too. Uses arithmetic instead of bits, because the distance of two timestamps may
 * need more than 32 bits.
 */
function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value
}
