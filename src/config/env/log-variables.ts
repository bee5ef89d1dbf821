import * as parse from './parsers.ts'
import { optional, variable } from './variable.ts'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
const LOG_FORMATS = ['json', 'pretty', 'ecs'] as const

/** The variables of the server's own log. */
export const LOG_VARIABLES = {
  LOG_LEVEL: variable('info', parse.oneOf(LOG_LEVELS), `One of ${LOG_LEVELS.join(', ')}.`),
  LOG_FORMAT: optional(
    '`json`; on a terminal `pretty`',
    parse.oneOf(LOG_FORMATS),
    "How lines are written to standard error: `json`, `pretty`, or `ecs` (Elastic's common schema, our own fields under `tributary`)."
  ),
  LOG_TIME: variable('epoch', parse.oneOf(['epoch', 'iso']), 'Times in `json`: milliseconds, or RFC 3339 with `iso`.'),
  LOG_LEVEL_AS: variable(
    'number',
    parse.oneOf(['number', 'name']),
    "Levels in `json`: pino's numbers, or names such as `info`."
  ),
  SHOW_FIRST_KEY: variable(
    'terminal',
    parse.oneOf(['terminal', 'always']),
    'Whether the first start prints the write key that it has made: on terminals only, or `always`. `tributary keys list --show` shows it later.'
  )
} as const
