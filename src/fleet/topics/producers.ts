import { Producer, ProduceAcks } from '@platformatic/kafka'
import type { BaseOptions, MessageToProduce } from '@platformatic/kafka'

interface Channel {
  readonly producer: Producer
  sending: number
}

/** So many requests can be on their way at once; the next one waits behind another. */
const MAX_CHANNELS = 4

/**
 * Sends records, each request on a connection of its own while others are on their way. A broker takes the next request of a
 * connection when it has answered the one before, and that is when all replicas have the records (`acks=all`).
 */
export class Producers {
  readonly #client: BaseOptions
  readonly #channels: Channel[] = []

  constructor(client: BaseOptions) {
    this.#client = client
  }

  /** Resolves with the offset of the first record once all in-sync replicas have all of them; rejects otherwise. */
  async send(messages: MessageToProduce[]): Promise<bigint | undefined> {
    const channel = this.#free()
    channel.sending++
    try {
      const { offsets } = await channel.producer.send({ messages, acks: ProduceAcks.ALL })
      return offsets?.[0]?.offset
    } finally {
      channel.sending--
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#channels.map(({ producer }) => producer.close(true).catch(() => undefined)))
  }

  #free(): Channel {
    const [least] = this.#channels.toSorted((a, b) => a.sending - b.sending)
    if (least !== undefined && (least.sending === 0 || this.#channels.length >= MAX_CHANNELS)) return least
    const channel = { producer: new Producer({ ...this.#client, retries: 3 }), sending: 0 }
    this.#channels.push(channel)
    return channel
  }
}
