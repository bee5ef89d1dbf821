import type { RefusedGroup } from '../../debugger/ring/refused-requests.ts'
import type { AdminClient } from '../admin-client.ts'

/** The number of requests that were refused before they became events, by code. */
export type RefusedCounts = ReadonlyMap<string, number>

/**
 * The requests that the server has in its list of refused requests, without those that clients were told to send again.
 * Rejects as AdminClient.get() does.
 */
export async function countRefusedRequests(client: AdminClient): Promise<RefusedCounts> {
  const { requests } = (await (await client.get('/api/rejections')).json()) as {
    readonly requests: readonly Pick<RefusedGroup, 'code' | 'count' | 'retryable'>[]
  }
  return new Map(requests.filter(({ retryable }) => !retryable).map(({ code, count }) => [code, count]))
}

/** The requests that were refused since `before` as text; undefined if there are none. */
export function describeRefused(now: RefusedCounts, before: RefusedCounts): string | undefined {
  const more = [...now].map(([code, count]) => [code, count - (before.get(code) ?? 0)] as const)
  const named = more.filter(([, count]) => count > 0).map(([code, count]) => `${code} (${count})`)
  if (named.length === 0) return undefined
  return `requests refused before they became events: ${named.join(', ')} (see the debugger's Rejections)`
}
