import type { Board } from '../lanes/board.ts'
import type { Lane } from '../lanes/lane.ts'
import type { TopicMetadata } from './topics/topics.ts'
import type { Troubles } from './send/troubles.ts'

/**
 * Topics that the configuration no longer names. Records that were accepted for such a topic are still sent to it. Its
 * lanes end when they are empty.
 */
export class RetiredTopics {
  readonly #board: Board
  readonly #metadata: TopicMetadata
  readonly #troubles: Troubles
  readonly #onEnded: (topic: string) => void
  /** The configured topics; undefined while they are not known. */
  #configured: ReadonlySet<string> | undefined

  constructor(options: {
    board: Board
    metadata: TopicMetadata
    troubles: Troubles
    onEnded: (topic: string) => void
  }) {
    this.#board = options.board
    this.#metadata = options.metadata
    this.#troubles = options.troubles
    this.#onEnded = options.onEnded
  }

  /** These topics are configured from now on. Returns whether one of them must be looked up. */
  configure(names: readonly string[]): boolean {
    this.#configured = new Set(names)
    this.check()
    return this.#metadata.wantOnly([...names, ...this.#waiting()])
  }

  /** Call this at regular intervals. Reports topics that still have waiting records, and ends those that have none. */
  check(): void {
    if (this.#configured === undefined) return
    const waiting = this.#waiting()
    for (const topic of new Set(this.#board.lanes.map(lane => lane.topic))) {
      const key = `retired ${topic}`
      if (waiting.has(topic)) {
        const words = `topic ${topic} is no longer configured, but accepted events wait for it: they go to it when Kafka accepts them; after a restart, they go where the configuration says`
        this.#troubles.set(key, words)
        continue
      }
      this.#troubles.clear(key)
      if (!this.#configured.has(topic)) this.#end(topic)
    }
  }

  #waiting(): Set<string> {
    const lanes = this.#board.lanes.filter(lane => !this.#configured?.has(lane.topic) && hasEvents(lane))
    return new Set(lanes.map(({ topic }) => topic))
  }

  #end(topic: string): void {
    for (const lane of this.#board.lanesOf(topic)) this.#board.remove(lane)
    this.#metadata.forget(topic)
    this.#onEnded(topic)
  }
}

function hasEvents({ length, onDisk, tail }: Lane): boolean {
  return length > 0 || onDisk || tail.length > 0
}
