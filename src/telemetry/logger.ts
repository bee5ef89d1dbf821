import type { Logger } from 'pino'
import { pino } from 'pino'

/** JSON lines on standard error; readable ones on a terminal. What could hold a key is never written. */
export function createLogger(level: string): Logger {
  const redact = {
    paths: [
      'req.headers.authorization',
      'headers.authorization',
      'authorization',
      'writeKey',
      '*.writeKey',
      'password',
      '*.password'
    ],
    censor: '[redacted]'
  }
  // Synchronous, so that the last lines before an exit are not lost; there is no line per event.
  if (!process.stderr.isTTY) return pino({ level, redact }, pino.destination({ dest: 2, sync: true }))
  const terminal = pino.transport({ target: 'pino-pretty', options: { destination: 2, ignore: 'pid,hostname' } })
  // A terminal that was closed takes no more lines; the server goes on without.
  terminal.on('error', () => undefined)
  return pino({ level, redact }, terminal)
}
