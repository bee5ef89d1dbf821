import { isIPv4, isIPv6 } from 'node:net'
import type { IpPolicy } from '../../model/governance/privacy.ts'

/**
 * The groups of an IPv6 address that are kept: 48 bits. The other 80 bits identify the network of a site and the
 * device.
 */
const KEPT_GROUPS = 3
const GROUPS = 8
const SIX_TO_FOUR = 0x2002
const MAPPED = 0xffff

/**
 * Applies a policy to an address. `truncate` removes the last octet of IPv4 and the last 80 bits of IPv6. An IPv4
 * address inside an IPv6 address (mapped, 6to4) loses its last octet.
 *
 * @returns undefined if nothing may be kept, and for a text that is not an address
 */
export function applyIpPolicy(policy: IpPolicy, address: string): string | undefined {
  if (policy === 'keep') return address
  if (policy === 'drop') return undefined
  const bare = address.trim().replace(/%.*$/, '')
  if (isIPv4(bare)) return truncateV4(bare)
  return isIPv6(bare) ? truncateV6(bare) : undefined
}

function truncateV4(address: string): string {
  return address.replace(/\d+$/, '0')
}

function truncateV6(address: string): string {
  const groups = groupsOf(address)
  const isMapped = groups.slice(0, 5).every(group => group === 0) && groups[5] === MAPPED
  if (isMapped) {
    const [high = 0, low = 0] = groups.slice(6)
    return `::ffff:${high >> 8}.${high & 0xff}.${low >> 8}.0`
  }
  const kept = groups.slice(0, KEPT_GROUPS)
  // The IPv4 address is in bits 16 to 47.
  if (kept[0] === SIX_TO_FOUR) kept[2] = (kept[2] ?? 0) & 0xff00
  while (kept.at(-1) === 0) kept.pop()
  return `${kept.map(group => group.toString(16)).join(':')}::`
}

/** The eight groups of a valid address. */
function groupsOf(address: string): number[] {
  const dotted = /\d+\.\d+\.\d+\.\d+$/.exec(address)?.[0]
  const [a = 0, b = 0, c = 0, d = 0] = dotted?.split('.').map(Number) ?? []
  const inHex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  const plain = dotted === undefined ? address : address.slice(0, -dotted.length) + inHex
  const [head = '', tail] = plain.split('::')
  const numbers = (part: string): number[] => (part === '' ? [] : part.split(':').map(group => parseInt(group, 16)))
  if (tail === undefined) return numbers(head)
  const [before, after] = [numbers(head), numbers(tail)]
  return [...before, ...Array.from({ length: GROUPS - before.length - after.length }, () => 0), ...after]
}
