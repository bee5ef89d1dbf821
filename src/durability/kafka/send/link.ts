import { Connection } from '@platformatic/kafka'
import type { BrokerAddress, Produce, ProduceAnswer } from '../connect/cluster-client.ts'
import type { KafkaSettings } from '../options.ts'
import type { ProduceRequest } from '../encode/produce-encoder.ts'
import { connectionOptions } from '../connect/session.ts'
import { nameClosing } from '../connect/closing.ts'
import { endTimers } from '../connect/watch.ts'

const FIRST_BACKOFF_MS = 20
const MAX_BACKOFF_MS = 1_000

/** The way to one broker: one connection, and at most one request on its way. */
export interface Link {
  readonly node: number
  readonly address: string
  /** performance.now() when the request on its way left; undefined when none is. */
  readonly sentAt: number | undefined
  /** performance.now() before which nothing is to be sent. */
  notBefore: number
  /** performance.now() until which the broker throttles us. */
  readonly throttledUntil: number
  /** Requests that failed one after the other. */
  readonly failures: number
  /** Sends a request. Rejects where the connection is lost or cannot be had: then its fate is unknown. */
  send(produce: Produce, request: ProduceRequest): Promise<ProduceAnswer>
  /** Whether it leads there. */
  isAt(address: BrokerAddress): boolean
  /** Ends the connection at once; a request on its way rejects. */
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
    // Nothing else may be sent while the broker asks again who we are.
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
        // A connection that ends is made anew at once; only where that fails too, somebody wants to know why.
        throw failures > 1 ? await nameClosing(error, [link.address]) : error
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
  // Errors reach the request on the connection; one that comes after must not become an uncaught exception.
  connection.on('error', () => {})
  connection.once('close', () => {
    onClose()
    end(connection)
  })
  return connection
}

/** At once, with the timer of its next re-authentication. */
function end(connection: Connection): void {
  endTimers(connection)
  connection.socket?.destroy()
}
