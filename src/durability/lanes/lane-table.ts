import { Lane, type Totals } from './lane.ts'

/** All lanes, by topic and partition. */
export class LaneTable {
  readonly #byTopic = new Map<string, Lane[]>()
  #all: Lane[] = []
  readonly #totals: Totals = { bytes: 0 }

  get lanes(): readonly Lane[] {
    return this.#all
  }

  lanesOf(topic: string): readonly Lane[] {
    return Object.values(this.#byTopic.get(topic) ?? [])
  }

  find(topic: string, partition: number): Lane | undefined {
    return this.#byTopic.get(topic)?.[partition + 1]
  }

  /** Bytes in memory. A line counts once for each lane that holds it. */
  bytes(): number {
    return this.#totals.bytes
  }

  protected add(topic: string, partition: number): Lane {
    const lane = new Lane(topic, partition, this.#totals)
    let ofTopic = this.#byTopic.get(topic)
    if (ofTopic === undefined) this.#byTopic.set(topic, (ofTopic = []))
    ofTopic[partition + 1] = lane
    this.#all.push(lane)
    return lane
  }

  remove(lane: Lane): void {
    this.#all = this.#all.filter(other => other !== lane)
    const ofTopic = this.#byTopic.get(lane.topic)
    delete ofTopic?.[lane.partition + 1]
    if (this.lanesOf(lane.topic).length === 0) this.#byTopic.delete(lane.topic)
  }
}
