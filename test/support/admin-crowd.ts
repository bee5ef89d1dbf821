/**
 * Everything that many users can request from a debugger at once: ten live streams, repeated requests for every event,
 * and searches through the whole log. It runs in its own process, so that it does not disturb measurements. Begins at
 * `start`, ends at `stop`, and then reports how much it did.
 */
import { setTimeout as sleep } from 'node:timers/promises'

export interface CrowdReport {
  readonly lists: number
  readonly listedEvents: number
  readonly traces: number
  readonly streamedBytes: number
  /** The failed requests. */
  readonly failures: readonly string[]
}

const WATCHERS = 10
const LISTERS = 2
/** Short, common texts that are no ids: each search reads the whole log. */
const SEARCHES = ['a', 'properties', 'not-there-0001']

const admin = process.argv[2] as string
let gone = new AbortController()
let report = { lists: 0, listedEvents: 0, traces: 0, streamedBytes: 0, failures: [] as string[] }
let crowd: Promise<void>[] = []

async function json(path: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${admin}${path}`, { signal: gone.signal })
  const body = (await response.json()) as Record<string, unknown>
  if (response.status !== 200) report.failures.push(`${path}: ${response.status} ${JSON.stringify(body)}`)
  return body
}

async function watch(): Promise<void> {
  const response = await fetch(`${admin}/api/stream`, { signal: gone.signal })
  for await (const chunk of response.body as ReadableStream<Uint8Array>) report.streamedBytes += chunk.length
}

async function list(): Promise<void> {
  let before: number | null = null
  while (!gone.signal.aborted) {
    const { events, next } = (await json(
      `/api/events?limit=1000&detail=true${before === null ? '' : `&before=${before}`}`
    )) as { events: unknown[]; next?: number | null }
    report.lists++
    report.listedEvents += events.length
    before = next ?? null
  }
}

async function search(id: string): Promise<void> {
  while (!gone.signal.aborted) {
    await json(`/api/trace/${id}`)
    report.traces++
  }
}

/** A request that `stop` has aborted is no failure. */
async function until(work: Promise<void>): Promise<void> {
  const signal = gone.signal
  await work.catch((error: Error) => {
    if (!signal.aborted) report.failures.push(error.message)
  })
}

async function obey(word: 'start' | 'stop'): Promise<void> {
  if (word === 'start') {
    gone = new AbortController()
    report = { lists: 0, listedEvents: 0, traces: 0, streamedBytes: 0, failures: [] }
    const watchers = Array.from({ length: WATCHERS }, watch)
    const listers = Array.from({ length: LISTERS }, list)
    crowd = [...watchers, ...listers, ...SEARCHES.map(search)].map(until)
  } else {
    gone.abort()
    await Promise.race([Promise.all(crowd), sleep(5_000)])
    process.send?.(report satisfies CrowdReport)
  }
}

process.on('message', (word: 'start' | 'stop') => void obey(word))
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
