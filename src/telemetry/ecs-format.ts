import type { LoggerOptions } from 'pino'

const ECS_VERSION = '8.11.0'
/** Our fields are under this name, because many of them (`source`, `file`) have another meaning in the schema. */
const OWN = 'tributary'

/**
 * Options of pino for Elastic's common schema (https://www.elastic.co/guide/en/ecs/current): `@timestamp`, `log.level`,
 * `message` and `error`. All other fields are under `tributary`.
 *
 * @param secrets paths whose values are never written, as in a line without the schema
 */
export function ecsOptions(secrets: readonly string[], host: string): LoggerOptions {
  return {
    messageKey: 'message',
    timestamp: () => `,"@timestamp":"${new Date().toISOString()}"`,
    base: {},
    redact: { paths: secrets.map(path => `${OWN}.${path}`), censor: '[redacted]' },
    formatters: {
      level: label => ({ 'log.level': label }),
      bindings: () => ({
        'ecs.version': ECS_VERSION,
        'service.name': OWN,
        'host.hostname': host,
        'process.pid': process.pid
      }),
      log: toEcs
    }
  }
}

function toEcs(fields: Record<string, unknown>): Record<string, unknown> {
  const { err, ...own } = fields
  return {
    ...(err instanceof Error ? { error: { type: err.name, message: err.message, stack_trace: err.stack } } : {}),
    ...(Object.keys(own).length === 0 ? {} : { [OWN]: own })
  }
}
