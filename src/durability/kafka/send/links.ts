import type { Board } from '../../lanes/board.ts'
import type { Lane } from '../../lanes/lane.ts'
import type { KafkaSettings } from '../options.ts'
import type { TopicMetadata } from '../topics/topics.ts'
import { Link } from './link.ts'
import type { LinkTroubles } from './link-troubles.ts'
import { SendState } from './send-state.ts'

export interface LinksOptions {
  readonly settings: KafkaSettings
  readonly board: Board
  readonly metadata: TopicMetadata
  /** Topics whose records must not be sent now. */
  readonly held: ReadonlySet<string>
  readonly troubles: LinkTroubles
}

/** The connections to the brokers, and the leader of each lane's partition. */
export class Links {
  readonly #options: LinksOptions
  readonly #links = new Map<number, Link>()
  readonly #sendStates = new WeakMap<Lane, SendState>()

  constructor(options: LinksOptions) {
    this.#options = options
  }

  get all(): readonly Link[] {
    return [...this.#links.values()]
  }

  /** The link to the broker with this node id; undefined if no such broker is known. */
  to(node: number): Link | undefined {
    return this.#links.get(node)
  }

  sendStateOf(lane: Lane): SendState {
    return this.#sendStates.get(lane) ?? this.#findLeader(lane)
  }

  /** Leaders or brokers have changed. Names partitions without a leader and marks their lanes as late. */
  refresh(): void {
    const { board, metadata, settings, troubles } = this.#options
    for (const [node, address] of metadata.brokers) {
      const link = this.#links.get(node)
      if (link?.isAt(address)) continue
      link?.cut()
      this.#links.set(node, new Link(node, address, settings))
    }
    for (const lane of board.lanes) this.#findLeader(lane)
    for (const [topic, info] of metadata.usable) troubles.leaderless(topic, info, leader => this.#links.has(leader))
    board.setLate(board.lanes.filter(lane => !lane.sendable && !lane.late && lane.partition >= 0))
  }

  /** Finds the leader of a lane that is new or whose leader may have changed. */
  #findLeader(lane: Lane): SendState {
    const { metadata, held } = this.#options
    let sendState = this.#sendStates.get(lane)
    if (sendState === undefined) this.#sendStates.set(lane, (sendState = new SendState()))
    const leader = metadata.usable.get(lane.topic)?.leaders[lane.partition] ?? -1
    if (leader !== sendState.leader) Object.assign(sendState, { leader, notBefore: -Infinity, pauseMs: 0 })
    lane.sendable = this.#links.has(leader) && !held.has(lane.topic)
    return sendState
  }

  stop(): void {
    for (const link of this.all) link.cut()
  }
}
