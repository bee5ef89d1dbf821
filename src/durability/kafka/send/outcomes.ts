import type { Board } from '../../lanes/board.ts'
import type { LaneEntry, Lane } from '../../lanes/lane.ts'
import type { ProduceAnswer } from '../connect/cluster-client.ts'
import type { ProduceBatch } from '../encode/produce-encoder.ts'
import { verdictOf, type Verdict } from './answers.ts'
import type { ProducedOffsets } from './produced-offsets.ts'
import type { Link } from './link.ts'
import type { LinkTroubles } from './link-troubles.ts'
import type { Identities, SendState } from './send-state.ts'

/** A lane's batch in flight. */
export interface Outgoing extends ProduceBatch {
  readonly lane: Lane
  readonly sendState: SendState
}

/** Stores a record that Kafka never accepts. If this rejects, it is tried again. */
export type StoreRefused = (
  entry: LaneEntry,
  refusal: { readonly topic: string; readonly reason: string }
) => Promise<void>

export interface OutcomesOptions {
  readonly board: Board
  readonly offsets: ProducedOffsets
  readonly troubles: LinkTroubles
  readonly identities: Identities
  readonly storeRefused: StoreRefused
  /** Leaders, brokers or topics have changed. */
  readonly onMoved: () => void
  readonly onRelayed: (records: number) => void
  /** Refused records have left a lane. */
  readonly onRefused: () => void
}

const FIRST_PAUSE_MS = 50
const MAX_PAUSE_MS = 1_000
const STORE_REFUSED_AGAIN_MS = 1_000

/** Applies Kafka's answers to the board, to the offsets of the records, and to the list of troubles. */
export class Outcomes {
  readonly #options: OutcomesOptions

  constructor(options: OutcomesOptions) {
    this.#options = options
  }

  /** Applies the answer of a broker. Returns the batches that Kafka has stored. */
  answered(link: Link, batches: readonly Outgoing[], { responses }: ProduceAnswer): Outgoing[] {
    const now = performance.now()
    const results = new Map<string, { errorCode: number; baseOffset: bigint }>()
    for (const { name, partitionResponses } of responses) {
      for (const result of partitionResponses) results.set(`${name}/${result.index}`, result)
    }
    return batches.filter(out => {
      const result = results.get(`${out.topic}/${out.partition}`)
      const verdict = result === undefined ? undefined : verdictOf(result.errorCode)
      const isStored = result !== undefined && verdict?.kind === 'stored'
      if (isStored) this.#stored(out, result.baseOffset, now)
      else this.#notStored(link, out, verdict)
      return isStored
    })
  }

  #stored({ lane, sendState }: Outgoing, baseOffset: bigint, now: number): void {
    const { board, offsets, troubles, onRelayed } = this.#options
    const note = offsets.inKafka(lane, Number(baseOffset))
    let relayed = 0
    board.confirm(lane, now, (entry, at) => {
      if (entry.stored === 'yes') relayed++
      note(entry, at)
    })
    sendState.pauseMs = 0
    sendState.isTimeless = false
    troubles.stored(lane)
    if (relayed > 0) onRelayed(relayed)
  }

  #notStored(link: Link, { lane, sendState }: Outgoing, verdict: Verdict | undefined): void {
    const { identities, troubles } = this.#options
    if (lane.batch === undefined) return
    lane.batch.state = 'again'
    if (verdict?.kind === 'refused') {
      if (lane.halve()) this.refuse(lane, verdict.reason)
    } else if (verdict?.kind === 'renumber') identities.renumber(lane, sendState)
    else if (verdict?.kind === 'time' && !sendState.isTimeless) {
      sendState.isTimeless = true
      troubles.timeRefused(link)
    } else this.#pause(link, { lane, sendState }, verdict)
  }

  #pause(link: Link, { lane, sendState }: Pick<Outgoing, 'lane' | 'sendState'>, verdict: Verdict | undefined): void {
    sendState.pauseMs = Math.min(MAX_PAUSE_MS, Math.max(FIRST_PAUSE_MS, sendState.pauseMs * 2))
    sendState.notBefore = performance.now() + sendState.pauseMs * (1 - Math.random() / 4)
    if (verdict?.kind !== 'no') return
    if (verdict.leader) this.#options.onMoved()
    // A change of leader is a trouble only if it lasts.
    if (verdict.leader && sendState.pauseMs < MAX_PAUSE_MS) return
    this.#options.troubles.said(link, lane, verdict.words)
  }

  /** Moves the first entry of the lane, a batch alone, to the refused records. */
  refuse(lane: Lane, reason: string): void {
    const entry = lane.at(0)
    if (lane.batch === undefined || entry === undefined) return
    lane.batch.state = 'refused'
    void this.#storeRefused(lane, entry, reason)
  }

  async #storeRefused(lane: Lane, entry: LaneEntry, reason: string): Promise<void> {
    const { board, storeRefused, offsets, troubles, onRefused } = this.#options
    const { topic } = lane
    try {
      await storeRefused(entry, { topic, reason })
    } catch (error) {
      troubles.refused(error as Error)
      setTimeout(() => this.refuse(lane, reason), STORE_REFUSED_AGAIN_MS).unref()
      return
    }
    troubles.refused(undefined)
    const { call, index } = entry
    if (call !== undefined) call.refusals = [...(call.refusals ?? []), { index, topic, reason }]
    offsets.inRefused(entry)
    board.refused(lane, performance.now())
    onRefused()
  }
}
