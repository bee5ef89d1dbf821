/**
 * Waits for events that an app under test has sent to a Tributary of its own (docs/debugger.md). It needs nothing but fetch, and is used
 * alike in Playwright, Jest, Vitest and node:test:
 *
 *     const collector = createCollector({ adminUrl: 'http://localhost:3001' })
 *     test.beforeEach(() => collector.clear())
 *     test('checkout', async ({ page }) => {
 *       await page.getByRole('button', { name: 'Pay' }).click()
 *       const [order] = await collector.expectEvents('Order Completed')
 *       expect(order.properties.currency).toBe('EUR')
 *       await collector.expectNothingRejected()
 *     })
 */

/** A published event: what the SDK sent, and what the server added. */
export interface CollectedEvent {
  readonly type: string
  readonly messageId: string
  readonly event?: string
  readonly properties?: Readonly<Record<string, unknown>>
  readonly [key: string]: unknown
}

export interface Collector {
  /** Drops earlier events from the debugger's memory. Stored events stay. */
  clear(): Promise<void>
  /**
   * Waits until `count` events with that name (`*` matches anything) were accepted. Rejects when the time is up, and
   * names the events that arrived instead.
   */
  expectEvents(
    name: string,
    options?: { readonly count?: number; readonly timeoutMs?: number }
  ): Promise<CollectedEvent[]>
  /** Rejects if an event was refused, or a whole request: for a wrong key or origin, for example. Names the reason. */
  expectNothingRejected(): Promise<void>
}

interface Row {
  readonly name: string
  readonly type: string
  readonly outcome: string
  readonly code: string | null
  readonly payload?: CollectedEvent | null
}

interface RefusedRequests {
  readonly code: string
  readonly count: number
  /** Whether the client was told to send the request again. */
  readonly retryable: boolean
}

const DEFAULT_TIMEOUT_MS = 10_000
/** Longer than the server itself waits. */
const GRACE_MS = 10_000

/** @param options.password the password of the admin listener, if it has one */
export function createCollector(options: { readonly adminUrl: string; readonly password?: string }): Collector {
  const { adminUrl, password } = options
  const headers: Record<string, string> =
    password === undefined ? {} : { authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}` }

  async function get<T>(path: string, timeoutMs = 0): Promise<T> {
    const url = `${adminUrl}${path}`
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(timeoutMs + GRACE_MS) })
    const body = (await response.json()) as T & { readonly message?: string }
    if (!response.ok) throw new Error(`${url} answered ${response.status}: ${body.message}`)
    return body
  }

  async function ask(query: Record<string, string>, timeoutMs = 0): Promise<readonly Row[]> {
    const path = `/api/events?${String(new URLSearchParams(query))}`
    return (await get<{ readonly events: readonly Row[] }>(path, timeoutMs)).events
  }

  /** The refused requests that clients do not send again; '' if there are none. */
  async function refusedRequests(): Promise<string> {
    const { requests } = await get<{ readonly requests: readonly RefusedRequests[] }>('/api/rejections')
    const lost = requests.filter(({ retryable }) => !retryable).map(({ code, count }) => `${code} (${count})`)
    return lost.length === 0 ? '' : `requests refused before they became events: ${lost.join(', ')}`
  }

  return {
    async clear() {
      const signal = AbortSignal.timeout(GRACE_MS)
      const { status } = await fetch(`${adminUrl}/api/events`, { method: 'DELETE', headers, signal })
      if (status !== 200) throw new Error(`${adminUrl}/api/events answered ${status}`)
    },
    async expectEvents(name, { count = 1, timeoutMs = DEFAULT_TIMEOUT_MS } = {}) {
      const wait = { wait: `${timeoutMs}ms`, count: String(count) }
      const rows = await ask({ event: name, outcome: 'accepted', detail: 'true', order: 'asc', ...wait }, timeoutMs)
      if (rows.length >= count) return rows.flatMap(({ payload }) => payload ?? [])
      const came = (await ask({ limit: '20' })).map(row => `${row.type} "${row.name}" ${row.code ?? row.outcome}`)
      const refused = await refusedRequests()
      throw new Error(
        `${rows.length} of ${count} "${name}" within ${timeoutMs} ms; came: ${came.join(', ') || 'nothing'}${refused && `; ${refused}`}`
      )
    },
    async expectNothingRejected() {
      const [row] = await ask({ outcome: 'rejected', limit: '1' })
      if (row !== undefined) throw new Error(`${row.type} "${row.name}" was rejected: ${row.code}`)
      const refused = await refusedRequests()
      if (refused !== '') throw new Error(refused)
    }
  }
}
