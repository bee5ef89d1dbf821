import type { Member } from './scan-result.ts'

/** Above so many members a set is cheaper than comparing each with each. */
const FEW_MEMBERS = 20

/** The first key that occurs a second time; undefined where each occurs once. */
export function repeatedKey(members: readonly Member[]): string | undefined {
  if (members.length > FEW_MEMBERS) {
    const seen = new Set<string>()
    return members.find(({ key }) => seen.size === seen.add(key).size)?.key
  }
  for (let i = 1; i < members.length; i++) {
    const { key } = members[i] as Member
    for (let j = 0; j < i; j++) if ((members[j] as Member).key === key) return key
  }
  return undefined
}
