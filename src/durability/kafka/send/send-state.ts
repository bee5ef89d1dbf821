import type { Lane } from '../../lanes/lane.ts'
import type { ClusterClient } from '../connect/cluster-client.ts'
import { withTimeout } from '../connect/with-timeout.ts'
import type { ProducerIdentity, Session } from '../connect/session.ts'

/** What the sender knows about a lane. */
export class SendState {
  /** Node id of the partition's leader; -1: none. */
  leader = -1
  producer: ProducerIdentity | undefined = undefined
  /** The producer identity that the lane must not use any more. */
  stale: ProducerIdentity | undefined = undefined
  /** The lane sends nothing before this performance.now(). */
  notBefore = -Infinity
  pauseMs = 0
  /** Kafka does not accept the timestamps of the lane's records. */
  isTimeless = false
}

/** Kafka's sequence numbers have 32 bits. A lane takes another producer id long before they wrap. */
const MAX_SEQUENCE = 1_000_000_000

const RENEW_TIMEOUT_MS = 10_000

/** The producer id that each lane uses. */
export class Identities {
  readonly #onRenewed: () => void
  readonly #onFailed: () => void
  #client: ClusterClient | undefined
  #current: ProducerIdentity | undefined
  #isRenewing = false

  constructor(handlers: { readonly onRenewed: () => void; readonly onFailed: () => void }) {
    this.#onRenewed = handlers.onRenewed
    this.#onFailed = handlers.onFailed
  }

  /** New producer ids come from this session from now on. */
  use({ client, producer }: Session): void {
    this.#client = client
    this.#current = producer
  }

  /** The lane's producer identity; undefined while a new one is requested. */
  of(lane: Lane, sendState: SendState): ProducerIdentity | undefined {
    if (sendState.producer !== undefined && (lane.sequence < MAX_SEQUENCE || lane.batch !== undefined))
      return sendState.producer
    if (sendState.producer !== undefined) this.renumber(lane, sendState)
    if (this.#current === undefined || this.#current === sendState.stale) this.#renew()
    else sendState.producer = this.#current
    return sendState.producer
  }

  /** The lane starts again with another producer identity. */
  renumber(lane: Lane, sendState: SendState): void {
    sendState.stale = sendState.producer
    sendState.producer = undefined
    lane.sequence = 0
  }

  /** New lanes must not use sequence numbers that earlier lanes have used for the same partitions. */
  retire(): void {
    this.#current = undefined
    this.#renew()
  }

  #renew(): void {
    if (this.#isRenewing || this.#client === undefined) return
    this.#isRenewing = true
    const client = this.#client
    void (async () => {
      try {
        this.#current = await withTimeout(client.newProducer(), RENEW_TIMEOUT_MS)
      } catch {
        this.#onFailed()
      }
      this.#isRenewing = false
      this.#onRenewed()
    })()
  }
}
