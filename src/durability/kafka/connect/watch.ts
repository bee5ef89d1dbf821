import type { Base, Connection } from '@platformatic/kafka'
import { chain } from './errors.ts'

/** The connections of clients, and what befell them. */
export interface ConnectionWatch {
  readonly connections: ReadonlySet<Connection>
  add(client: Pick<Base, 'connections'>): void
  /** The error of a request with what a connection said that the request did not hear: a broker's TLS alert. */
  withAlert(error: unknown): unknown
}

/** Errors of a connection reach the requests on it; one that comes after those must not become an uncaught exception. */
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

/** A broker that refuses the client's certificate says so after the handshake, when no request may be waiting. */
function isAlert(error: unknown): boolean {
  return chain(error).some(({ code = '' }) => /^ERR_SSL_.*ALERT/.test(code))
}

/** Ends the timer of a connection's next re-authentication, which the client leaves running when a broker hangs up. */
export function endTimers(connection: Connection): void {
  connection.close().catch(() => {})
}
