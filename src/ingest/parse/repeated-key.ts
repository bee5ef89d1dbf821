import type { Scan } from './scan-result.ts'

/** With more members, a set is cheaper than comparing each key with each other. */
const FEW_MEMBERS = 20

/** The first key that occurs a second time; undefined if every key occurs once. */
export function repeatedKey(scan: Scan): string | undefined {
  if (scan.size > FEW_MEMBERS) {
    const seen = new Set<string>()
    return memberKeys(scan).find(key => seen.size === seen.add(key).size)
  }
  let known = 0
  for (let place = 0; place < scan.size; place++) {
    const number = scan.numberAt(place)
    if (number < 0) return firstTwice(memberKeys(scan))
    if ((known & (1 << number)) !== 0) return scan.keyAt(place)
    known |= 1 << number
  }
  return undefined
}

function memberKeys(scan: Scan): string[] {
  return Array.from({ length: scan.size }, (_, place) => scan.keyAt(place))
}

function firstTwice(keys: readonly string[]): string | undefined {
  return keys.find((key, place) => keys.indexOf(key) < place)
}
