import type { Lane } from '../../lanes/lane.ts'
import { explain } from '../connect/explain.ts'
import type { Link } from './link.ts'
import type { KafkaSettings } from '../options.ts'
import type { TopicInfo } from '../topics/topics.ts'
import type { Troubles } from './troubles.ts'

/** Names the troubles between this server and the brokers, with the broker's address. */
export class LinkTroubles {
  readonly #settings: KafkaSettings
  readonly #troubles: Troubles
  #hasLoggedTime = false

  constructor(settings: KafkaSettings, troubles: Troubles) {
    this.#settings = settings
    this.#troubles = troubles
  }

  /** Names partitions that have no leader that can be reached. */
  leaderless(topic: string, { leaders }: TopicInfo, isKnown: (leader: number) => boolean): void {
    const without = [...leaders.keys()].filter(partition => !isKnown(leaders[partition] ?? -1))
    const key = `leaders of ${topic}`
    if (without.length === 0) return this.#troubles.clear(key)
    const partitions = `${without.length === 1 ? 'partition' : 'partitions'} ${without.join(', ')}`
    this.#troubles.set(key, `topic ${topic}, ${partitions}: no leader: check the brokers`, topic)
  }

  /** A broker has answered. @param milliseconds since the request left */
  answered(link: Link, milliseconds: number, throttleMs: number): void {
    this.#throttled(link, throttleMs)
    if (milliseconds < this.#settings.publishTimeoutMs) this.#troubles.clear(troubleKey(link))
    else this.#slow(link)
  }

  #throttled(link: Link, milliseconds: number): void {
    const key = `throttle of ${link.node}`
    if (milliseconds <= 0) return this.#troubles.clear(key)
    const who = `Kafka broker ${link.node} (${link.address})`
    const quota = 'a quota (producer_byte_rate or request_percentage) is used up'
    this.#troubles.set(key, `${who} throttles this client: ${quota}`)
  }

  /** Checks whether a request has been in flight for too long. */
  look(link: Link, now: number): void {
    if (link.sentAt !== undefined && now - link.sentAt >= this.#settings.publishTimeoutMs / 2) this.#slow(link)
  }

  #slow(link: Link): void {
    const { publishTimeoutMs } = this.#settings
    this.#troubles.set(troubleKey(link), `Kafka (${link.address}) has not confirmed within ${publishTimeoutMs} ms`)
  }

  lost(link: Link, error: unknown): void {
    this.#troubles.set(troubleKey(link), explain(error, [link.address]))
  }

  said(link: Link, lane: Lane, words: string): void {
    const where = `topic ${lane.topic}, partition ${lane.partition}, broker ${link.node} (${link.address})`
    this.#troubles.set(troubleKey(lane), `${where}: ${words}`)
  }

  stored(lane: Lane): void {
    this.#troubles.clear(troubleKey(lane))
  }

  /** Logged once. */
  timeRefused(link: Link): void {
    if (this.#hasLoggedTime) return
    this.#hasLoggedTime = true
    const words = 'finds the time of the records out of range: compare the clocks of this machine and of the brokers'
    this.#settings.log.warn(`Kafka (${link.address}) ${words}; sent without a timestamp`)
  }

  /** @param error why refused records cannot be stored; undefined: they can be stored again */
  refused(error: Error | undefined): void {
    if (error === undefined) this.#troubles.clear('refused')
    else this.#troubles.set('refused', error.message)
  }
}

function troubleKey(of: Lane | Link): string {
  return 'node' in of ? `broker ${of.node}` : `lane ${of.topic}/${of.partition}`
}
