import { setTimeout as sleep } from 'node:timers/promises'
import type { FleetTopics } from '../topics/topics.ts'
import type { Heartbeat } from './heartbeat.ts'
import type { Member } from './member-list.ts'
import { REMEMBERED_MS, MemberList } from './member-list.ts'

export interface MembersOptions {
  readonly topics: FleetTopics
  /** The current facts of this server; undefined for a program that only reads, such as a command. */
  readonly self: (() => Omit<Heartbeat, 'leaving'>) | undefined
  readonly onTrouble?: ((error: unknown) => void) | undefined
  readonly monotonic?: () => number
}

/** The servers of the fleet. */
export interface Members {
  /** Live and recently lost members, ordered by name. */
  all(): readonly Member[]
  live(): readonly Member[]
  /** Whether the members topic answers. If not, the state of the others is unknown. */
  isHeard(): boolean
  /** Resolves when the heartbeats that existed at the start were read. */
  known(): Promise<void>
  /** Writes a heartbeat now, because something has changed. */
  beat(): void
  /** Writes a last heartbeat, if Kafka accepts it in time. */
  close(): Promise<void>
}

const BEAT_MS = 1_000
const LEAVE_TIMEOUT_MS = 1_000
const MAX_SILENCE_MS = 3_000

/** Follows the members topic, and writes this server's heartbeat to it each second. */
export function followMembers(options: MembersOptions): Members {
  const { topics, self, onTrouble, monotonic = () => performance.now() } = options
  const list = new MemberList(monotonic)
  const reader = topics.read({
    topic: topics.names.members,
    from: { time: Date.now() - REMEMBERED_MS },
    onRecords: records => list.take(records),
    ...(onTrouble === undefined ? {} : { onTrouble })
  })
  let sending: Promise<unknown> | undefined
  let isAsked = false
  let closed = false

  function send(leaving: boolean): Promise<unknown> {
    if (self === undefined) return Promise.resolve()
    const beat: Heartbeat = { ...self(), leaving }
    return topics
      .write(topics.names.members, [{ key: beat.instance, value: Buffer.from(JSON.stringify(beat)) }])
      .catch((error: unknown) => onTrouble?.(error))
  }

  /** One at a time: while Kafka does not answer, heartbeats do not pile up. */
  function beat(): void {
    if (closed || self === undefined) return
    isAsked = true
    sending ??= (async () => {
      while (isAsked && !closed) {
        isAsked = false
        await send(false)
      }
      sending = undefined
    })()
  }

  /** After the heartbeat in flight, which on another connection could arrive after the last one. */
  async function leave(): Promise<void> {
    await sending
    await send(true)
  }

  const timer = setInterval(beat, BEAT_MS).unref()
  beat()
  return {
    all: () => list.members(),
    live: () => list.live(),
    isHeard: () => reader.isCaughtUp && reader.silentMs() < MAX_SILENCE_MS,
    known: () => reader.caughtUp(),
    beat,
    async close() {
      closed = true
      clearInterval(timer)
      if (reader.isCaughtUp) await Promise.race([leave(), sleep(LEAVE_TIMEOUT_MS, undefined, { ref: false })])
      await reader.close()
    }
  }
}
