import { parseBroker } from '@platformatic/kafka'
import { connect } from 'node:net'
import { chain } from './errors.ts'

/** A connection counts as open if it stays open for this many milliseconds with nothing sent on it. */
const OPEN_AFTER_MS = 500

/**
 * Returns an error CLOSED_AT_ONCE if all these brokers close a connection on which nothing was sent yet; otherwise the
 * failure. A broker that rejects what it receives (no TLS, no SASL) waits for it first. A broker that has reached its
 * limit of connections does not.
 *
 * @param brokers `host:port`
 */
export async function explainClosing(failure: unknown, brokers: readonly string[]): Promise<unknown> {
  const isClosed = chain(failure).some(({ code, message }) =>
    /ECONNRESET|EPIPE|Connection closed/.test(`${code} ${message}`)
  )
  if (!isClosed) return failure
  const all = await Promise.all(brokers.map(closesImmediately))
  return all.every(Boolean) ? new Error('CLOSED_AT_ONCE', { cause: failure }) : failure
}

/** Opens a connection to `host:port` and sends nothing. Resolves with whether the other side closes it. */
function closesImmediately(broker: string): Promise<boolean> {
  return new Promise(resolve => {
    let isOpen = false
    const socket = connect(parseBroker(broker), () => (isOpen = true))
    const end = (isEnded: boolean): void => {
      resolve(isEnded)
      socket.destroy()
    }
    socket.setTimeout(OPEN_AFTER_MS, () => end(false))
    socket.on('error', ({ code }: NodeJS.ErrnoException) => end(isOpen || code === 'ECONNRESET'))
    socket.on('close', () => end(isOpen))
    socket.resume()
  })
}
