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

/** The paths of fields that could contain a key. */
const SECRETS = [
  'req.headers.authorization',
  'headers.authorization',
  'authorization',
  'writeKey',
  '*.writeKey',
  'password',
  '*.password'
]

/** Creates the logger, which writes to standard error. Fields that could contain a key are never written. */
export function createLogger(style: LogStyle): Logger {
  const format = style.logFormat ?? (process.stderr.isTTY ? 'pretty' : 'json')
  const options = {
    level: style.logLevel,
    ...(format === 'ecs' ? ecsOptions(SECRETS, hostname()) : jsonOptions(style))
  }
  // Synchronous, so that the last lines before an exit are not lost. That costs little, because no event writes a line.
  if (format !== 'pretty') return pino(options, pino.destination({ dest: 2, sync: true }))
  const terminal = pino.transport({ target: 'pino-pretty', options: { destination: 2, ignore: 'pid,hostname' } })
  // A closed terminal causes an error, which must not end the server.
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
