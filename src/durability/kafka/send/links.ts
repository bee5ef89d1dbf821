import type { Board } from '../../lanes/board.ts'
import type { Lane } from '../../lanes/lane.ts'
import type { KafkaSettings } from '../options.ts'
import type { TopicBook } from '../topics/topics.ts'
import { createLink, type Link } from './link.ts'
import type { LinkTroubles } from './link-troubles.ts'
import { createOutlet, type Outlet } from './outlet.ts'

export interface LinksOptions {
  readonly settings: KafkaSettings
  readonly board: Board
  readonly book: TopicBook
  /** Topics whose records must not be sent now. */
  readonly held: ReadonlySet<string>
  readonly troubles: LinkTroubles
}

/** The connections to the brokers, and the leader of each lane's partition. */
export class Links {
  readonly #options: LinksOptions
  readonly #links = new Map<number, Link>()
  readonly #outlets = new WeakMap<Lane, Outlet>()

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

  outletOf(lane: Lane): Outlet {
    return this.#outlets.get(lane) ?? this.#aim(lane)
  }

  /** Leaders or brokers have changed. Names partitions without a leader and marks their lanes as late. */
  refresh(): void {
    const { board, book, settings, troubles } = this.#options
    for (const [node, address] of book.brokers) {
      const link = this.#links.get(node)
      if (link?.isAt(address)) continue
      link?.cut()
      this.#links.set(node, createLink(node, address, settings))
    }
    for (const lane of board.lanes) this.#aim(lane)
    for (const [topic, info] of book.usable) troubles.leaderless(topic, info, leader => this.#links.has(leader))
    board.setLate(board.lanes.filter(lane => !lane.sendable && !lane.late && lane.partition >= 0))
  }

  /** Finds the leader of a lane that is new or whose leader may have changed. */
  #aim(lane: Lane): Outlet {
    const { book, held } = this.#options
    let outlet = this.#outlets.get(lane)
    if (outlet === undefined) this.#outlets.set(lane, (outlet = createOutlet()))
    const leader = book.usable.get(lane.topic)?.leaders[lane.partition] ?? -1
    if (leader !== outlet.leader) Object.assign(outlet, { leader, notBefore: -Infinity, pauseMs: 0 })
    lane.sendable = this.#links.has(leader) && !held.has(lane.topic)
    return outlet
  }

  stop(): void {
    for (const link of this.all) link.cut()
  }
}
