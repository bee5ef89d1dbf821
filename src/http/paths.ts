import type { EventType } from '../model/event-types.ts'
import { EVENT_TYPES } from '../model/event-types.ts'

/** The short names that analytics.js uses: the first letter of the type. */
const SHORT: Record<EventType, string> = { identify: 'i', track: 't', page: 'p', screen: 's', group: 'g', alias: 'a' }

/** The event type of a full or short name in a path; undefined for other names. */
export function typeNamed(name: string): EventType | undefined {
  return EVENT_TYPES.find(type => type === name || SHORT[type] === name)
}

/** The paths with and without /v1, because some SDKs expect /v1 in the configured host and others add it. */
export function withVersion(paths: readonly string[]): string[] {
  return paths.flatMap(path => [`/v1${path}`, path])
}

/** Every path of a single call. Jitsu's SDKs use the paths under /api/s. */
export function singlePaths(type: EventType): string[] {
  return withVersion([`/${type}`, `/${SHORT[type]}`, `/api/s/${type}`, `/api/s/s2s/${type}`])
}

/**
 * Every path of a batch. `/import`: the SDKs for Java, Ruby and .NET. `/batch/b`: SDKs that append `/b` to a configured
 * URL. `/beacon/v1/batch`: RudderStack's browser SDK. `/sdk/batch`: June's SDK for Python.
 */
export const BATCH_PATHS: readonly string[] = withVersion([
  '/batch',
  '/b',
  '/import',
  '/batch/b',
  '/beacon/v1/batch',
  '/sdk/batch'
])

/** Removes the first /v1 of `/v1/v1/...`: some SDKs add /v1 to a host that was configured with /v1. */
export function withoutDoubledVersion(url: string): string {
  return url.startsWith('/v1/v1/') ? url.slice('/v1'.length) : url
}
