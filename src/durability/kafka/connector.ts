import { setTimeout as sleep } from 'node:timers/promises'
import { explain } from './connect/explain.ts'
import { inTime } from './connect/in-time.ts'
import { nameClosing } from './connect/closing.ts'
import type { KafkaSettings } from './options.ts'
import { openSession, type Session } from './connect/session.ts'
import type { TopicBook } from './topics/topics.ts'

export interface Connector {
  /** Tries until a session is open and its topics are looked up; undefined once stopped. */
  connect(): Promise<Session | undefined>
  /** Why there is no session, in one line. */
  problem(): string
  /** Notes and logs why the last session ended. */
  lost(problem: string): void
  /** Ends connecting, and the session. */
  stop(): void
}

const FIRST_BACKOFF_MS = 100
const MAX_BACKOFF_MS = 2_000
const OPEN_TIMEOUT_MS = 30_000

/** Opens sessions, one after the other, with backoff and jitter. Logs each change of the trouble once. */
export function createConnector(
  settings: KafkaSettings,
  to: { readonly book: TopicBook; readonly onDisconnect: (session: Session) => void }
): Connector {
  const { brokers, log } = settings
  let problem = `Kafka (${brokers.join(', ')}) is not connected yet`
  let attempts = 0
  const stopping = new AbortController()
  /** Of the session being opened, then of the session. */
  let life = new AbortController()

  const note = (next: string): void => {
    if (next !== problem) log.warn(next)
    problem = next
  }

  const open = async (signal: AbortSignal): Promise<Session> => {
    let session: Session | undefined = undefined
    // A turn later: until its handlers have run, the client still hands out the connection that has just ended.
    const onDisconnect = (): void => void setImmediate(() => session && to.onDisconnect(session))
    session = await openSession(settings, { signal, onDisconnect })
    try {
      await to.book.check(session)
      return session
    } catch (error) {
      session.abandon()
      throw error
    }
  }

  const openInTime = async (): Promise<Session> => {
    life = new AbortController()
    try {
      return await inTime(open(life.signal), OPEN_TIMEOUT_MS)
    } catch (error) {
      life.abort()
      throw error
    }
  }

  const pause = async (): Promise<void> => {
    const ceiling = Math.min(FIRST_BACKOFF_MS * 2 ** (attempts - 1), MAX_BACKOFF_MS)
    await sleep(ceiling * (0.5 + Math.random() / 2), undefined, { signal: stopping.signal, ref: false }).catch(() => {})
  }

  return {
    async connect() {
      while (!stopping.signal.aborted) {
        if (attempts > 0) await pause()
        attempts++
        try {
          const session = await openInTime()
          attempts = 1
          log.info(`Kafka (${brokers.join(', ')}) is ready`)
          return session
        } catch (error) {
          const named = await nameClosing(error, brokers)
          if (!stopping.signal.aborted) note(explain(named, brokers))
        }
      }
      return undefined
    },
    problem: () => problem,
    lost(next) {
      problem = ''
      note(next)
    },
    stop() {
      stopping.abort()
      life.abort()
    }
  }
}
