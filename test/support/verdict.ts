import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readTopic } from './kafka-topics.ts'
import type { Answered, Load } from './load.ts'

/** The places where acknowledged events may be stored. */
export interface Places {
  readonly brokers?: readonly string[]
  readonly topic?: string
  /** Folders of segments, in the order in which they are relayed. */
  readonly folders?: readonly string[]
  /** Only messageIds with this prefix are examined; default: all. */
  readonly prefix?: string
}

export interface Verdict {
  readonly acked: number
  /** Events that were acknowledged and are stored nowhere. */
  readonly missing: readonly string[]
  /** The number of surplus records of events that are stored more than once. */
  readonly duplicates: number
  /** The part of these whose first request was answered 200, so that no client sent them twice. */
  readonly unasked: number
  /** Events that were first stored after a later event of the same user. */
  readonly outOfOrder: readonly string[]
}

/** Searches for every acknowledged event in Kafka, which an independent client reads, and in the folders. */
export async function verify(loads: readonly Pick<Load, 'acked'>[], places: Places): Promise<Verdict> {
  const acked = loads.flatMap(load => load.acked)
  const all = [...(await idsInKafka(places)), ...(places.folders ?? []).flatMap(idsInFolder)]
  const ids = all.filter(id => id.startsWith(places.prefix ?? ''))
  const stored = new Map<string, number>()
  const latest = new Map<string, number>()
  const outOfOrder: string[] = []
  for (const id of ids) {
    const times = stored.get(id) ?? 0
    stored.set(id, times + 1)
    if (times > 0) continue
    const at = id.lastIndexOf('-')
    const [user, sequence] = [id.slice(0, at), Number(id.slice(at + 1))]
    if (sequence < (latest.get(user) ?? -1)) outOfOrder.push(id)
    else latest.set(user, sequence)
  }
  return {
    acked: acked.length,
    missing: acked.filter(({ id }) => !stored.has(id)).map(({ id }) => id),
    duplicates: ids.length - stored.size,
    unasked: acked.filter(({ id, tries }) => tries === 1 && (stored.get(id) ?? 0) > 1).length,
    outOfOrder
  }
}

async function idsInKafka({ brokers, topic }: Places): Promise<string[]> {
  if (brokers === undefined || topic === undefined) return []
  const records = await readTopic(brokers, topic, { timeoutMs: 60_000 })
  return records.filter(({ key }) => key !== 'probe').map(({ headers }) => headers['messageId'] ?? '')
}

/** The messageIds in a folder's segments, as jq sees them, without a test's probes. */
export function idsInFolder(dir: string): string[] {
  if (!existsSync(dir)) return []
  const files = readdirSync(dir).filter(name => name.endsWith('.ndjson'))
  return files.sort().flatMap(name => {
    const lines = readFileSync(join(dir, name), 'utf8').split('\n')
    // After the last line feed there is nothing, or an incomplete line.
    return lines.slice(0, -1).flatMap(line => {
      const { messageId, userId } = parse(line)
      return messageId === undefined || userId === 'probe' ? [] : [messageId]
    })
  })
}

function parse(line: string): { messageId?: string; userId?: string } {
  try {
    return JSON.parse(line) as { messageId?: string; userId?: string }
  } catch {
    return {}
  }
}

export interface Timing {
  readonly requests: number
  /** The number of answers with each status; connection errors by their code. */
  readonly statuses: Readonly<Record<string, number>>
  /** Latencies of the requests that were answered 200, in milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly slowest: number
  /** The longest time without an answer 200, in milliseconds. */
  readonly longestGap: number
}

/** What clients saw in [from, to], without the requests that `except` names. */
export function timing(
  answers: readonly Answered[],
  window: { readonly from?: number; readonly to?: number; readonly except?: (answer: Answered) => boolean } = {}
): Timing {
  const { from = -Infinity, to = Infinity, except = () => false } = window
  const inside = answers.filter(({ at, milliseconds }) => at + milliseconds >= from && at <= to)
  const counted = inside.filter(answer => !except(answer))
  const statuses: Record<string, number> = {}
  for (const { status, error = '' } of counted) {
    const name = status === 0 ? error : String(status)
    statuses[name] = (statuses[name] ?? 0) + 1
  }
  const latencies = counted.filter(({ status }) => status === 200).map(({ milliseconds }) => milliseconds)
  latencies.sort((a, b) => a - b)
  const ends = inside.filter(({ status }) => status === 200).map(({ at, milliseconds }) => at + milliseconds)
  ends.sort((a, b) => a - b)
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0
  return {
    requests: counted.length,
    statuses,
    p50: at(0.5),
    p99: at(0.99),
    slowest: latencies.at(-1) ?? 0,
    longestGap: ends.reduce((longest, end, i) => Math.max(longest, i === 0 ? 0 : end - (ends[i - 1] ?? end)), 0)
  }
}

/** Whether the request was in flight at that moment. */
export function wasOpenAt(moment: number): (answer: Answered) => boolean {
  return ({ at, milliseconds }) => at <= moment && at + milliseconds >= moment
}
