const STEPS = 2 ** 32

/**
 * The position of a user between 0 (included) and 1, evenly distributed: FNV-1a of the user's key in UTF-8, then the
 * finalizer of MurmurHash3, both of 32 bits, divided by 2^32. A destination with sampling gets the users below its rate.
 *
 * The position depends only on the key, so that a user is always in or out, on every server and for every source, and a
 * user who is in at 10 % is also in at 20 %. It is not Kafka's partition hash, with which a sample would leave partitions
 * empty.
 */
export function placeOfUser(key: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < key.length; at++) {
    const code = key.charCodeAt(at)
    if (code > 0x7f) return mix(hashBytes(hash, Buffer.from(key.slice(at)))) / STEPS
    hash = Math.imul(hash ^ code, 0x01000193)
  }
  return mix(hash) / STEPS
}

function hashBytes(hash: number, bytes: Buffer): number {
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash
}

/** FNV alone spreads the last characters of a key too little over the upper bits. */
function mix(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
