import type { Base, Connection } from '@platformatic/kafka'
import { chain } from './errors.ts'

/** Watches the connections of clients for errors. */
export interface ConnectionWatch {
  readonly connections: ReadonlySet<Connection>
  add(client: Pick<Base, 'connections'>): void
  /**
   * Adds the error of the connection to the error of a request, if the request did not get it: a broker's TLS alert.
   */
  withAlert(error: unknown): unknown
}

/**
 * A connection passes its errors to its requests. An error after the last request must not become an uncaught
 * exception.
 */
export function watchConnections(): ConnectionWatch {
  const connections = new Set<Connection>()
  let alert: Error | undefined
  return {
    connections,
    add(client) {
      client.connections.on('connecting', ({ connection }: { connection: Connection }) => {
        connections.add(connection)
        connection.on('error', error => {
          if (isAlert(error)) alert = error
        })
        connection.on('close', () => {
          connections.delete(connection)
          endTimers(connection)
        })
      })
    },
    withAlert: error =>
      alert === undefined ? error : new AggregateError([alert, error], alert.message, { cause: error })
  }
}

/**
 * A broker that refuses the client's certificate sends an alert after the handshake. No request may be waiting by then.
 */
function isAlert(error: unknown): boolean {
  return chain(error).some(({ code = '' }) => /^ERR_SSL_.*ALERT/.test(code))
}

/**
 * Stops the timer of a connection's next re-authentication. The client leaves it running when a broker closes the
 * connection.
 */
export function endTimers(connection: Connection): void {
  connection.close().catch(() => {})
}
