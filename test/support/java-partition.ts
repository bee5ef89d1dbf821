/**
 * The partition Java's default partitioner gives a record with this key: murmur2 of the UTF-8 bytes, made positive,
 * modulo the number of partitions. Written from org.apache.kafka.common.utils.Utils.murmur2, apart from any client of
 * ours, so that it can check them.
 */
export function javaPartition(key: string, partitions: number): number {
  return (murmur2(Buffer.from(key, 'utf8')) & 0x7fffffff) % partitions
}

const M = 0x5bd1e995
const R = 24

/** The hash as a signed 32-bit number, as Java has it. */
export function murmur2(data: Uint8Array): number {
  const length = data.length
  const view = new DataView(data.buffer, data.byteOffset, length)
  let hash = 0x9747b28c ^ length
  const whole = length & ~3
  for (let at = 0; at < whole; at += 4) {
    let k = Math.imul(view.getInt32(at, true), M)
    k = Math.imul(k ^ (k >>> R), M)
    hash = Math.imul(hash, M) ^ k
  }
  for (let at = length - 1; at >= whole; at--) hash ^= view.getUint8(at) << (8 * (at - whole))
  if (whole < length) hash = Math.imul(hash, M)
  hash = Math.imul(hash ^ (hash >>> 13), M)
  return hash ^ (hash >>> 15)
}
