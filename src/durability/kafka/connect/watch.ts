import type { Connection, ConnectionPool } from '@platformatic/kafka'
import { chain } from './errors.ts'

/**
 * Watches the connections of a client for errors. A connection passes its errors to its requests. An error after the
 * last request must not become an uncaught exception.
 */
export function watchConnections(pool: ConnectionPool) {
  const connections = new Set<Connection>()
  let alert: Error | undefined
  pool.on('connecting', ({ connection }: { connection: Connection }) => {
    connections.add(connection)
    connection.on('error', error => {
      if (isAlert(error)) alert = error
    })
    connection.on('close', () => {
      connections.delete(connection)
      closeNow(connection)
    })
  })
  return {
    /** Those that are not closed. The client's pool forgets a connection at its first error. */
    connections: connections as ReadonlySet<Connection>,
    /** Adds the broker's TLS alert to the error of a request, which may not have got it. */
    withAlert: (error: unknown): unknown =>
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
 * Closes the connection at once. Its own close() also stops the timer of the next re-authentication, which the client
 * leaves running when a broker closes the connection.
 */
export function closeNow(connection: Connection): void {
  connection.close().catch(() => {})
  connection.socket?.destroy()
}
