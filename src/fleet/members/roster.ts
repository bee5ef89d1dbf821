import type { FleetRecord } from '../topics/reader.ts'
import type { Heartbeat } from './heartbeat.ts'
import { readHeartbeat } from './heartbeat.ts'

/** One server of the fleet as it was last heard. */
export interface Member extends Heartbeat {
  readonly state: 'live' | 'away'
  /** Since its last heartbeat reached Kafka. */
  readonly silentMs: number
}

/** A member is live for so long after its last heartbeat. */
const LIVE_MS = 5_000
/** A member that is away is named for so long. */
export const REMEMBERED_MS = 10 * 60 * 1000

/** Who is there, by the heartbeats in the members topic. Ages are differences of the broker's clock. */
export class Roster {
  readonly #monotonic: () => number
  readonly #heard = new Map<string, { readonly beat: Heartbeat; readonly at: number }>()
  /** The broker's clock when its newest record came, and ours. */
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

  /** In the order of their names. */
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

  /** A server that was killed and started again is one member, not two. */
  #forgetEarlierLives({ name, instance, startedAt }: Heartbeat): void {
    for (const [other, { beat }] of this.#heard) {
      if (other !== instance && beat.name === name && beat.startedAt <= startedAt) this.#heard.delete(other)
    }
  }
}
