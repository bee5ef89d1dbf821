import { Connection } from '@platformatic/kafka'
import type { BrokerAddress, Produce, ProduceAnswer } from '../connect/cluster-client.ts'
import type { KafkaSettings } from '../options.ts'
import type { ProduceRequest } from '../encode/produce-encoder.ts'
import { connectionOptions } from '../connect/session.ts'
import { explainClosing } from '../connect/closing.ts'
import { endTimers } from '../connect/watch.ts'

const FIRST_BACKOFF_MS = 20
const MAX_BACKOFF_MS = 1_000

/** One broker: one connection, with at most one request in flight. */
export interface Link {
  readonly node: number
  readonly address: string
  /** performance.now() at which the request in flight was sent; undefined: none is. */
  readonly sentAt: number | undefined
  /** Nothing is sent before this performance.now(). */
  notBefore: number
  /** The broker throttles this server until this performance.now(). */
  readonly throttledUntil: number
  /** How many requests failed in a row. */
  readonly failures: number
  /** Sends a request. Rejects if there is no connection or it is lost: then Kafka may or may not have the records. */
  send(produce: Produce, request: ProduceRequest): Promise<ProduceAnswer>
  /** Whether the link is to this address. */
  isAt(address: BrokerAddress): boolean
  /** Closes the connection at once; a request in flight rejects. */
  cut(): void
}

export function createLink(node: number, to: BrokerAddress, settings: KafkaSettings): Link {
  let connection: Connection | undefined
  let failures = 0
  let sentAt: number | undefined
  let throttledUntil = -Infinity

  async function connect(): Promise<Connection> {
    const current = connection
    if (current?.isConnected()) return current
    // Kafka allows no other request during re-authentication.
    if (current?.status === 'reauthenticating') return current.ready().then(() => current)
    const fresh = prepare(to, settings, () => {
      if (connection === fresh) connection = undefined
    })
    connection = fresh
    await fresh.connect(to.host, to.port)
    return fresh
  }

  function cut(): void {
    const old = connection
    connection = undefined
    if (old !== undefined) end(old)
  }

  const link: Link = {
    node,
    address: `${to.host}:${to.port}`,
    notBefore: -Infinity,
    get throttledUntil() {
      return throttledUntil
    },
    get failures() {
      return failures
    },
    get sentAt() {
      return sentAt
    },
    isAt: ({ host, port }) => host === to.host && port === to.port,
    cut,
    async send(produce, request) {
      sentAt = performance.now()
      try {
        const answer = await produce(await connect(), request)
        failures = 0
        if (answer.throttleTimeMs > 0) throttledUntil = performance.now() + answer.throttleTimeMs
        return answer
      } catch (error) {
        cut()
        link.notBefore = performance.now() + Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** failures++)
        // A connection that ends is opened again at once. The reason matters only if that fails too.
        throw failures > 1 ? await explainClosing(error, [link.address]) : error
      } finally {
        sentAt = undefined
      }
    }
  }
  return link
}

/** A connection that is not open yet. */
function prepare({ host }: BrokerAddress, settings: KafkaSettings, onClose: () => void): Connection {
  const connection = new Connection(settings.clientId, connectionOptions(settings, host))
  // The request on the connection gets the error. A later error must not become an uncaught exception.
  connection.on('error', () => {})
  connection.once('close', () => {
    onClose()
    end(connection)
  })
  return connection
}

/** Closes the connection at once and stops the timer of its next re-authentication. */
function end(connection: Connection): void {
  endTimers(connection)
  connection.socket?.destroy()
}
