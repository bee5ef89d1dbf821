import { Connection } from '@platformatic/kafka'
import type { BrokerAddress, Produce, ProduceAnswer } from '../connect/cluster-client.ts'
import type { KafkaSettings } from '../options.ts'
import type { ProduceRequest } from '../encode/produce-encoder.ts'
import { connectionOptions } from '../connect/session.ts'
import { explainClosing } from '../connect/closing.ts'
import { closeNow } from '../connect/watch.ts'
import { RequestBound } from './request-bound.ts'

const FIRST_BACKOFF_MS = 20
const MAX_BACKOFF_MS = 1_000

/** One broker: one connection, with at most one request in flight. */
export class Link {
  readonly node: number
  readonly address: string
  /** performance.now() at which the request in flight was sent; undefined: none is. */
  sentAt: number | undefined = undefined
  /** Nothing is sent before this performance.now(). */
  notBefore = -Infinity
  /** The broker throttles this server until this performance.now(). */
  throttledUntil = -Infinity
  readonly bound = new RequestBound()
  /** Which of the broker's lanes is the first in the next request, as a number that may be larger than theirs. */
  turn = 0
  /** How many requests failed in a row. */
  failures = 0
  readonly #to: BrokerAddress
  readonly #settings: KafkaSettings
  #connection: Connection | undefined

  constructor(node: number, to: BrokerAddress, settings: KafkaSettings) {
    this.node = node
    this.address = `${to.host}:${to.port}`
    this.#to = to
    this.#settings = settings
  }

  /** Whether the link is to this address. */
  isAt({ host, port }: BrokerAddress): boolean {
    return host === this.#to.host && port === this.#to.port
  }

  /**
   * Sends a request with so many bytes of records. Rejects if there is no connection or it is lost: then Kafka may or may
   * not have the records.
   */
  async send(produce: Produce, request: ProduceRequest, bytes: number): Promise<ProduceAnswer> {
    this.sentAt = performance.now()
    try {
      const answer = await produce(await this.#connect(), request)
      this.failures = 0
      this.bound.answered(bytes, answer.throttleTimeMs)
      if (answer.throttleTimeMs > 0) this.throttledUntil = performance.now() + answer.throttleTimeMs
      return answer
    } catch (error) {
      this.cut()
      this.notBefore = performance.now() + Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** this.failures++)
      // A connection that ends is opened again at once. The reason matters only if that fails too.
      throw this.failures > 1 ? await explainClosing(error, [this.address]) : error
    } finally {
      this.sentAt = undefined
    }
  }

  async #connect(): Promise<Connection> {
    const current = this.#connection
    if (current?.isConnected()) return current
    // Kafka allows no other request during re-authentication.
    if (current?.status === 'reauthenticating') return current.ready().then(() => current)
    const fresh = prepare(this.#to, this.#settings, () => {
      if (this.#connection === fresh) this.#connection = undefined
    })
    this.#connection = fresh
    await fresh.connect(this.#to.host, this.#to.port)
    return fresh
  }

  /** Closes the connection at once; a request in flight rejects. */
  cut(): void {
    const old = this.#connection
    this.#connection = undefined
    if (old !== undefined) closeNow(old)
  }
}

/** A connection that is not open yet. */
function prepare({ host }: BrokerAddress, settings: KafkaSettings, onClose: () => void): Connection {
  const connection = new Connection(settings.clientId, connectionOptions(settings, host))
  // The request on the connection gets the error. A later error must not become an uncaught exception.
  connection.on('error', () => {})
  connection.once('close', () => {
    onClose()
    closeNow(connection)
  })
  return connection
}
