import { setTimeout as sleep } from 'node:timers/promises'
import { basicAuthorization } from '../../client/authorization.ts'
import { describeFetchFailure } from '../../client/fetch-failure.ts'
import { CommandFailed } from '../command.ts'

export interface Sender {
  /** Adds an event as JSON, and the note of its record; resolves when another can be added. */
  add(writeKey: string, event: string, note: string): Promise<void>
  /** Sends the remaining events. */
  end(): Promise<void>
  readonly counts: Readonly<SentCounts>
}

/** Numbers of events, by what the server's answers say. */
interface SentCounts {
  answered: number
  /** Of the batch that is sent now, or that had no answer at the end: the server may have taken them. */
  unanswered: number
  accepted: number
  duplicates: number
  /** They break the contract. */
  refused: number
  /** A rule has ended them: a tracking plan that blocks, a suppressed user, a filter. */
  ended: number
  /** The answer was 200 and had no counts: something between here and the server took the question out. */
  unsaid: number
}

export interface SenderOptions {
  readonly url: string
  /** Called with the notes of the events of a batch when the server has answered it, whatever became of each. */
  readonly onAnswered: (notes: readonly string[]) => Promise<void>
}

const MAX_BATCH_EVENTS = 100
/** Well below MAX_BATCH_BYTES, also if an operator has lowered it. */
const MAX_BATCH_CHARS = 100_000
const MAX_TRIES = 10
const MAX_PAUSE_S = 30

/**
 * Creates a sender that posts events to a running server in batches, one request at a time and one source per request. It
 * waits as Retry-After says. Its methods reject with CommandFailed if the server cannot be reached or refuses the key.
 */
export function createSender({ url, onAnswered }: SenderOptions): Sender {
  const waiting = new Map<string, { events: string[]; notes: string[]; chars: number }>()
  const counts: SentCounts = { answered: 0, unanswered: 0, accepted: 0, duplicates: 0, refused: 0, ended: 0, unsaid: 0 }

  async function flush(writeKey: string): Promise<void> {
    const { events = [], notes = [] } = waiting.get(writeKey) ?? {}
    waiting.delete(writeKey)
    if (events.length === 0) return
    const answer = await postBatch(url, async () => {
      counts.unanswered = events.length
      const response = await post(url, writeKey, events)
      counts.unanswered = 0
      return response
    })
    counts.answered += events.length
    await onAnswered(notes)
    if (typeof answer.accepted !== 'number') return void (counts.unsaid += events.length)
    const { accepted, duplicates = 0, rejected = 0 } = answer
    counts.accepted += accepted
    counts.duplicates += duplicates
    counts.refused += rejected
    counts.ended += events.length - accepted - duplicates - rejected
  }

  return {
    counts,
    async add(writeKey, event, note) {
      const batch = waiting.get(writeKey) ?? { events: [], notes: [], chars: 0 }
      waiting.set(writeKey, batch)
      batch.events.push(event)
      batch.notes.push(note)
      batch.chars += event.length
      if (batch.events.length >= MAX_BATCH_EVENTS || batch.chars >= MAX_BATCH_CHARS) await flush(writeKey)
    },
    async end() {
      for (const writeKey of [...waiting.keys()]) await flush(writeKey)
    }
  }
}

interface BatchAnswer {
  readonly accepted?: number
  readonly duplicates?: number
  readonly rejected?: number
  readonly code?: unknown
  readonly message?: unknown
}

/** Sends a batch, and resolves with the answer to it once the server has taken or refused its events. */
async function postBatch(url: string, send: () => Promise<Response>): Promise<BatchAnswer> {
  for (let tries = 1; ; tries++) {
    const response = await send()
    const answer = (await response.json().catch(() => ({}))) as BatchAnswer
    if (response.status === 200 || typeof answer.rejected === 'number') return answer
    const retryable = response.status === 429 || response.status >= 500
    if (!retryable || tries === MAX_TRIES) {
      throw new CommandFailed(`${url} answered ${response.status} ${String(answer.code)}: ${String(answer.message)}`)
    }
    const seconds = Number(response.headers.get('retry-after')) || 1
    await sleep(Math.min(seconds, MAX_PAUSE_S) * 1_000)
  }
}

async function post(url: string, writeKey: string, events: readonly string[]): Promise<Response> {
  try {
    return await fetch(`${url}/v1/batch`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        // Asks for the numbers of accepted events and duplicates (openapi.yml).
        prefer: 'return=representation',
        authorization: basicAuthorization(writeKey)
      },
      body: `{"batch":[${events.join()}]}`
    })
  } catch (error) {
    throw new CommandFailed(describeFetchFailure(url, error))
  }
}
