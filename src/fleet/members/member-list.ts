import type { FleetRecord } from '../topics/reader.ts'
import type { Heartbeat } from './heartbeat.ts'
import { readHeartbeat } from './heartbeat.ts'

/** A server of the fleet, with its last heartbeat. */
export interface Member extends Heartbeat {
  readonly state: 'live' | 'away'
  /** Milliseconds since its last heartbeat reached Kafka. */
  readonly silentMs: number
}

/** A member counts as live for this long after its last heartbeat. */
const LIVE_MS = 5_000
/** A lost member is listed for this long. */
export const REMEMBERED_MS = 10 * 60 * 1000

/** The members by the heartbeats in the members topic. Ages are computed with the broker's clock. */
export class MemberList {
  readonly #monotonic: () => number
  readonly #heard = new Map<string, { readonly beat: Heartbeat; readonly at: number }>()
  /** The broker's clock at its newest record, and ours at that time. */
  #brokerAt = 0
  #monotonicAt = 0

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic
  }

  take(records: readonly FleetRecord[]): void {
    for (const { at, value } of records) {
      if (at >= this.#brokerAt) {
        this.#brokerAt = at
        this.#monotonicAt = this.#monotonic()
      }
      const beat = readHeartbeat(value)
      if (beat === undefined) continue
      this.#heard.delete(beat.instance)
      if (beat.leaving) continue
      this.#forgetEarlierLives(beat)
      this.#heard.set(beat.instance, { beat, at })
    }
  }

  /** The members, ordered by name. */
  members(): readonly Member[] {
    const now = this.#brokerAt + (this.#monotonic() - this.#monotonicAt)
    const found: Member[] = []
    for (const [instance, { beat, at }] of this.#heard) {
      const silentMs = Math.max(0, Math.round(now - at))
      if (silentMs > REMEMBERED_MS) this.#heard.delete(instance)
      else found.push({ ...beat, state: silentMs < LIVE_MS ? 'live' : 'away', silentMs })
    }
    return found.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.startedAt - b.startedAt))
  }

  live(): readonly Member[] {
    return this.members().filter(({ state }) => state === 'live')
  }

  /** Removes earlier starts of a server: a server that was killed and started again is one member, not two. */
  #forgetEarlierLives({ name, instance, startedAt }: Heartbeat): void {
    for (const [other, { beat }] of this.#heard) {
      if (other !== instance && beat.name === name && beat.startedAt <= startedAt) this.#heard.delete(other)
    }
  }
}
