import type { Lane } from '../../lanes/lane.ts'
import type { ClusterClient } from '../connect/cluster-client.ts'
import { inTime } from '../connect/in-time.ts'
import type { ProducerIdentity, Session } from '../connect/session.ts'

/** What is known of a lane on its way to its broker. */
export interface Outlet {
  /** The broker that leads the partition; -1: none. */
  leader: number
  producer: ProducerIdentity | undefined
  /** The identity that may not be used for the lane any more. */
  stale: ProducerIdentity | undefined
  /** performance.now() before which it is not sent. */
  notBefore: number
  pauseMs: number
  /** Kafka finds the time of its records out of range. */
  isTimeless: boolean
}

export function createOutlet(): Outlet {
  return {
    leader: -1,
    producer: undefined,
    stale: undefined,
    notBefore: -Infinity,
    pauseMs: 0,
    isTimeless: false
  }
}

/** Kafka's sequence numbers are 32 bits: long before, a lane begins anew with another producer id. */
const MAX_SEQUENCE = 1_000_000_000

const RENEW_TIMEOUT_MS = 10_000

/** Which producer id numbers the records of a lane. */
export class Identities {
  readonly #onRenewed: () => void
  readonly #onFailed: () => void
  #client: ClusterClient | undefined
  #current: ProducerIdentity | undefined
  #isRenewing = false

  constructor(tell: { readonly onRenewed: () => void; readonly onFailed: () => void }) {
    this.#onRenewed = tell.onRenewed
    this.#onFailed = tell.onFailed
  }

  /** From now on producer ids come from this session. */
  use({ client, producer }: Session): void {
    this.#client = client
    this.#current = producer
  }

  /** The lane's identity; undefined while another one is asked for. */
  of(lane: Lane, outlet: Outlet): ProducerIdentity | undefined {
    if (outlet.producer !== undefined && (lane.sequence < MAX_SEQUENCE || lane.batch !== undefined))
      return outlet.producer
    if (outlet.producer !== undefined) this.renumber(lane, outlet)
    if (this.#current === undefined || this.#current === outlet.stale) this.#renew()
    else outlet.producer = this.#current
    return outlet.producer
  }

  /** The lane begins anew, with another identity. */
  renumber(lane: Lane, outlet: Outlet): void {
    outlet.stale = outlet.producer
    outlet.producer = undefined
    lane.sequence = 0
  }

  /** New lanes may not go on with numbers that others have used for the same partitions. */
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
        this.#current = await inTime(client.newProducer(), RENEW_TIMEOUT_MS)
      } catch {
        this.#onFailed()
      }
      this.#isRenewing = false
      this.#onRenewed()
    })()
  }
}
