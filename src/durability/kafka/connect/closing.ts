import { connect } from 'node:net'
import { chain } from './errors.ts'

/** So long an open connection has to stay open, with nothing said on it, in milliseconds. */
const PATIENCE_MS = 500

/** Closed by the broker as soon as it was there. */
class ClosedAtOnce extends Error {
  readonly code = 'CLOSED_AT_ONCE'

  constructor(cause: unknown) {
    super('the connection was closed at once', { cause })
  }
}

/**
 * The failure, or ClosedAtOnce where all these brokers close a connection on which nothing was said yet. A broker that does
 * not like what it hears (no TLS, no SASL) waits for it first; one whose limit on connections is reached does not.
 *
 * @param brokers `host:port`
 */
export async function nameClosing(failure: unknown, brokers: readonly string[]): Promise<unknown> {
  const isClosed = chain(failure).some(({ code, message }) =>
    /ECONNRESET|EPIPE|Connection closed/.test(`${code} ${message}`)
  )
  if (!isClosed) return failure
  const all = await Promise.all(brokers.map(broker => closesAtOnce(broker)))
  return all.every(Boolean) ? new ClosedAtOnce(failure) : failure
}

/** Says nothing on a new connection to `host:port`. Resolves with whether the other side ends it. */
function closesAtOnce(broker: string): Promise<boolean> {
  const { hostname, port } = new URL(`kafka://${broker}`)
  return new Promise(resolve => {
    let isOpen = false
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) }, () => (isOpen = true))
    const end = (isEnded: boolean): void => {
      resolve(isEnded)
      socket.destroy()
    }
    socket.setTimeout(PATIENCE_MS, () => end(false))
    socket.on('error', ({ code }: NodeJS.ErrnoException) => end(isOpen || code === 'ECONNRESET'))
    socket.on('close', () => end(isOpen))
    socket.resume()
  })
}
