import { Agent, request as sendRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { AUTHORIZATION } from './server-process.ts'

export interface LoadOptions {
  /** The tracking API. */
  readonly url: string
  readonly eventsPerSecond: number
  /** Default 48. */
  readonly connections?: number
  /** Default 200. The next event of a user is sent only after the previous one was acknowledged. */
  readonly users?: number
  /** The share of requests that are batches, of 2 to 9 events; default 0.3. */
  readonly batchShare?: number
  /** Bytes of padding in each event; default 200. */
  readonly padding?: number
  /** The share of first requests whose answer 200 is dropped, as if it had been lost; default 0. */
  readonly lostShare?: number
  /**
   * Milliseconds before the first retry, within a quarter. Doubled with each attempt, up to four times as long. Default
   * 100.
   */
  readonly firstRetryMs?: number
  /** A header with the user, for a balancer with affinity; default: none. */
  readonly userHeader?: string
}

export interface AckedEvent {
  readonly id: string
  readonly user: string
  readonly sequence: number
  /** performance.now() of its answer 200. */
  readonly at: number
  /** The number of requests: more than 1 means that an answer was lost, or was 429 or 503. */
  readonly tries: number
}

/** One request as the client saw it. */
export interface Answered {
  /** performance.now() at which it was sent. */
  readonly at: number
  readonly milliseconds: number
  /** 0: there was no answer; `error` has the reason. */
  readonly status: number
  readonly error?: string
  readonly retryAfter?: string | undefined
  readonly user?: string
}

export interface Load {
  /** The prefix of the name of each of its users, and so of each messageId. */
  readonly prefix: string
  /** Events of requests whose answer was dropped. */
  readonly lostEvents: number
  readonly acked: readonly AckedEvent[]
  readonly answers: readonly Answered[]
  /** Sends no new events. Repeats unacknowledged ones until each is acknowledged or `timeoutMs` (30 s) have passed. */
  stop(timeoutMs?: number): Promise<void>
}

interface Job {
  readonly user: string
  /** The sequence number of its first event. */
  readonly sequence: number
  readonly events: number
  readonly body: string
}

const TICK_MS = 10
const FIRST_RETRY_MS = 100
/** The delay is doubled with each attempt, as in SDKs, up to this many times the first delay. */
const MAX_RETRY_FACTOR = 4
/** In Answered.error: the answer arrived, and the load dropped it. */
export const THROWN_AWAY = 'THROWN_AWAY'
const REQUEST_TIMEOUT_MS = 20_000
const STOP_TIMEOUT_MS = 30_000
/** Events that could not be sent in time are sent later, up to this limit, so that no flood follows a fault. */
const MAX_DEBT_SECONDS = 0.1

/**
 * Sends events until it is stopped, as SDKs do: repeats the same messageId after 429, 503 and every failure of the
 * connection. Stores each event that was answered 200.
 */
export function startLoad(t: Test, options: LoadOptions): Load {
  const { url, eventsPerSecond, connections = 48, users = 200, batchShare = 0.3, padding = 200 } = options
  const { lostShare = 0, firstRetryMs = FIRST_RETRY_MS, userHeader } = options
  const run = Math.random().toString(36).slice(2, 8)
  const agent = new Agent({ keepAlive: true, maxSockets: connections, scheduling: 'fifo' })
  const acked: AckedEvent[] = []
  const answers: Answered[] = []
  const sequences = new Map<string, number>()
  const idle = Array.from({ length: users }, (_, at) => `${run}-u${at}`)
  const open = new Set<Promise<void>>()
  const pad = 'x'.repeat(padding)
  let debt = 0
  let last = performance.now()
  let deadline = Infinity
  let lostEvents = 0

  function nextJob(user: string): Job {
    const isBatch = Math.random() < batchShare
    const events = isBatch ? 2 + Math.floor(Math.random() * 8) : 1
    const sequence = sequences.get(user) ?? 0
    sequences.set(user, sequence + events)
    const bodies = Array.from({ length: events }, (_, at) => ({
      type: 'track',
      userId: user,
      event: 'Loaded',
      messageId: idOf(user, sequence + at),
      properties: { sequence: sequence + at, pad }
    }))
    return { user, sequence, events, body: JSON.stringify(isBatch ? { batch: bodies } : bodies[0]) }
  }

  async function perform(job: Job): Promise<void> {
    const path = job.events === 1 ? '/v1/track' : '/v1/batch'
    for (let tries = 1; ; tries++) {
      const headers = userHeader === undefined ? {} : { [userHeader]: job.user }
      const answer = lose(job, tries, await exchange(agent, `${url}${path}`, { body: job.body, headers }))
      answers.push({ ...answer, user: job.user })
      if (answer.status === 200) {
        noteAcked(job, tries, answer.at + answer.milliseconds)
        return
      }
      const isRetryable = answer.status === 0 || answer.status === 429 || answer.status === 503
      if (!isRetryable || performance.now() > deadline) return
      await sleep(firstRetryMs * Math.min(MAX_RETRY_FACTOR, 2 ** (tries - 1)) * (0.75 + Math.random() / 2))
    }
  }

  /** The answer, or the view of a client whose answer was lost. */
  function lose({ events }: Job, tries: number, answer: Answered): Answered {
    if (tries > 1 || answer.status !== 200 || Math.random() >= lostShare) return answer
    lostEvents += events
    return { ...answer, status: 0, error: THROWN_AWAY }
  }

  function noteAcked({ user, sequence, events }: Job, tries: number, at: number): void {
    for (let i = sequence; i < sequence + events; i++) acked.push({ id: idOf(user, i), user, sequence: i, at, tries })
    idle.push(user)
  }

  const timer = setInterval(() => {
    const now = performance.now()
    debt = Math.min(debt + ((now - last) / 1000) * eventsPerSecond, eventsPerSecond * MAX_DEBT_SECONDS)
    last = now
    while (debt > 0 && open.size < connections) {
      const user = idle.shift()
      if (user === undefined) return
      const job = nextJob(user)
      debt -= job.events
      const performing = perform(job).finally(() => open.delete(performing))
      open.add(performing)
    }
  }, TICK_MS)

  async function stop(timeoutMs = STOP_TIMEOUT_MS): Promise<void> {
    deadline = performance.now() + timeoutMs
    clearInterval(timer)
    await Promise.all(open)
    agent.destroy()
  }

  t.teardown(() => {
    deadline = 0
    clearInterval(timer)
    agent.destroy()
  })
  return {
    acked,
    answers,
    prefix: `${run}-`,
    get lostEvents() {
      return lostEvents
    },
    stop
  }
}

function idOf(user: string, sequence: number): string {
  return `${user}-${sequence}`
}

/** Sends one request and resolves with its result. Never rejects. */
function exchange(
  agent: Agent,
  url: string,
  { body, headers: more }: { readonly body: string; readonly headers: Readonly<Record<string, string>> }
): Promise<Answered> {
  const at = performance.now()
  return new Promise(resolve => {
    const headers = {
      ...more,
      authorization: AUTHORIZATION,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body)
    }
    const done = (rest: Omit<Answered, 'at' | 'milliseconds'>): void =>
      resolve({ at, milliseconds: performance.now() - at, ...rest })
    const fail = (error: NodeJS.ErrnoException): void => done({ status: 0, error: error.code ?? error.message })
    const request = sendRequest(url, { method: 'POST', agent, headers, timeout: REQUEST_TIMEOUT_MS }, response => {
      response.resume()
      response.once('error', fail)
      response.once('end', () =>
        done({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] })
      )
    })
    request.once('timeout', () => request.destroy(new Error('no answer')))
    request.once('error', fail)
    request.end(body)
  })
}
