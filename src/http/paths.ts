import type { EventType } from '../model/event-types.ts'
import { EVENT_TYPES } from '../model/event-types.ts'

/** The short names that analytics.js uses: the first letter of the type. */
const SHORT: Record<EventType, string> = { identify: 'i', track: 't', page: 'p', screen: 's', group: 'g', alias: 'a' }

/** The type that a path names in full or in short; undefined where it names none. */
export function typeNamed(name: string): EventType | undefined {
  return EVENT_TYPES.find(type => type === name || SHORT[type] === name)
}

/** With and without /v1: some SDKs want their host with it, some without, and join what they are given. */
export function withVersion(paths: readonly string[]): string[] {
  return paths.flatMap(path => [`/v1${path}`, path])
}

/** Every path of a single call; those under /api/s are of Jitsu's SDKs, for browsers and for servers. */
export function singlePaths(type: EventType): string[] {
  return withVersion([`/${type}`, `/${SHORT[type]}`, `/api/s/${type}`, `/api/s/s2s/${type}`])
}

/**
 * Every path of a batch: `/import` is what Java, Ruby and .NET send to, `/batch/b` what joined URLs come to,
 * `/beacon/v1/batch` what RudderStack's browser SDK and `/sdk/batch` what June's SDK for Python send to.
 */
export const BATCH_PATHS: readonly string[] = withVersion([
  '/batch',
  '/b',
  '/import',
  '/batch/b',
  '/beacon/v1/batch',
  '/sdk/batch'
])

/** `/v1/v1/...` is what an SDK makes of a host that was given with /v1 where it adds its own. */
export function withoutDoubledVersion(url: string): string {
  return url.startsWith('/v1/v1/') ? url.slice('/v1'.length) : url
}
