import { hostname } from 'node:os'
import type { Logger, LoggerOptions } from 'pino'
import { pino } from 'pino'
import { ecsOptions } from './ecs-format.ts'

export interface LogStyle {
  readonly logLevel: string
  /** Undefined: pretty on a terminal, JSON elsewhere. */
  readonly logFormat?: 'json' | 'pretty' | 'ecs' | undefined
  readonly logTime?: 'epoch' | 'iso'
  readonly logLevelAs?: 'number' | 'name'
}

/** What could hold a key. */
const SECRETS = [
  'req.headers.authorization',
  'headers.authorization',
  'authorization',
  'writeKey',
  '*.writeKey',
  'password',
  '*.password'
]

/** Lines on standard error. What could hold a key is never written. */
export function createLogger(style: LogStyle): Logger {
  const format = style.logFormat ?? (process.stderr.isTTY ? 'pretty' : 'json')
  const options = {
    level: style.logLevel,
    ...(format === 'ecs' ? ecsOptions(SECRETS, hostname()) : jsonOptions(style))
  }
  // Synchronous, so that the last lines before an exit are not lost; there is no line per event.
  if (format !== 'pretty') return pino(options, pino.destination({ dest: 2, sync: true }))
  const terminal = pino.transport({ target: 'pino-pretty', options: { destination: 2, ignore: 'pid,hostname' } })
  // A terminal that was closed takes no more lines; the server goes on without.
  terminal.on('error', () => undefined)
  return pino({ level: style.logLevel, redact: redact(SECRETS) }, terminal)
}

function jsonOptions({ logTime, logLevelAs }: LogStyle): LoggerOptions {
  return {
    redact: redact(SECRETS),
    ...(logTime === 'iso' ? { timestamp: pino.stdTimeFunctions.isoTime } : {}),
    ...(logLevelAs === 'name' ? { formatters: { level: label => ({ level: label }) } } : {})
  }
}

function redact(paths: string[]): LoggerOptions['redact'] {
  return { paths, censor: '[redacted]' }
}
