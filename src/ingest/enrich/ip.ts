import { isIPv4 } from 'node:net'
import type { JsonObject } from '../parse/body.ts'

/**
 * Libraries that run on the user's device, by `context.library.name`. Only for these libraries the sender's address is the
 * user's (Segment's spec, "context.ip": filled for client-side libraries).
 */
const CLIENT_LIBRARIES: ReadonlySet<unknown> = new Set([
  'analytics.js',
  '@segment/analytics-next',
  'analytics-ios',
  'analytics-android',
  'analytics-swift',
  'analytics-kotlin',
  'analytics-react-native',
  '@segment/analytics-react-native',
  'analytics-flutter',
  'analytics_flutter',
  'Analytics.Xamarin',
  'analytics-csharp',
  'Analytics-CSharp'
])

const MAPPED_PREFIX = '::ffff:'

/**
 * The value for `context.ip`; undefined if it must not be set. It is set for client-side libraries and if `context.direct`
 * is true. An `ip` that the client sent is never replaced (users opt out with `0.0.0.0`). Only IPv4, as at Segment.
 *
 * @param own the event's context, if any
 * @param shared the batch's context, which is merged into the event's
 * @param address the sender's address according to TRUST_PROXY
 */
export function ipToFill(
  own: JsonObject | undefined,
  shared: JsonObject | undefined,
  address: string
): string | undefined {
  if (own === undefined && shared === undefined) return undefined
  const present = member(own, shared, 'ip')
  if (present !== undefined && present !== null) return undefined
  if (member(own, shared, 'direct') !== true) {
    const library = member(own, shared, 'library')
    if (typeof library !== 'object' || library === null) return undefined
    if (!CLIENT_LIBRARIES.has((library as JsonObject)['name'])) return undefined
  }
  const plain = address.startsWith(MAPPED_PREFIX) ? address.slice(MAPPED_PREFIX.length) : address
  return isIPv4(plain) ? plain : undefined
}

function member(own: JsonObject | undefined, shared: JsonObject | undefined, key: string): unknown {
  if (own !== undefined && Object.hasOwn(own, key)) return own[key]
  return shared !== undefined && Object.hasOwn(shared, key) ? shared[key] : undefined
}
