import { SAMPLERS, type TraceSettings } from '../../model/operations/trace-settings.ts'
import type { OTEL_VARIABLES } from './otel-variables.ts'
import * as parse from './parsers.ts'
import type { Values } from './variables.ts'

/** Above it a queue of spans takes hundreds of megabytes. */
const MAX_QUEUE_SPANS = 65_536
const MAX_MS = 3_600_000

/** Whether the variables ask for traces. */
function asksForTraces(values: Values): boolean {
  if (values.OTEL_SDK_DISABLED.toLowerCase() === 'true') return false
  const exporter = values.OTEL_TRACES_EXPORTER?.toLowerCase()
  if (exporter === 'none') return false
  const endpoint = values.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? values.OTEL_EXPORTER_OTLP_ENDPOINT
  return exporter !== undefined || endpoint !== undefined
}

/** What is wrong in the OTEL variables, in sentences; nothing if they do not ask for traces. */
export function tracesContradictions(values: Values): string[] {
  const problems: string[] = []
  if (asksForTraces(values)) readSettings(values, problems)
  return problems
}

/** What the OTEL variables ask for; undefined if that is no traces. Call it after tracesContradictions() has found nothing. */
export function toTraces(values: Values): TraceSettings | undefined {
  return asksForTraces(values) ? readSettings(values, []) : undefined
}

function readSettings(values: Values, problems: string[]): TraceSettings {
  const read = <T>(name: keyof typeof OTEL_VARIABLES, parser: parse.Parser<T>, otherwise: T): T => {
    const text = values[name]
    try {
      return text === undefined ? otherwise : parser(text)
    } catch (error) {
      problems.push(`${name}: ${(error as Error).message}`)
      return otherwise
    }
  }
  read('OTEL_SDK_DISABLED', parse.oneOf(['true', 'false']), 'false')
  read('OTEL_TRACES_EXPORTER', parse.oneOf(['otlp', 'none']), 'otlp')
  const isForTraces = values.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL !== undefined
  read(isForTraces ? 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL' : 'OTEL_EXPORTER_OTLP_PROTOCOL', protocol, '')
  const base =
    values.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT === undefined
      ? read('OTEL_EXPORTER_OTLP_ENDPOINT', baseUrl, 'http://localhost:4318')
      : ''
  const sampler = read('OTEL_TRACES_SAMPLER', parse.oneOf(SAMPLERS), 'parentbased_always_on')
  const attributes = read('OTEL_RESOURCE_ATTRIBUTES', pairs, {})
  const name = values.OTEL_SERVICE_NAME ?? attributes['service.name'] ?? 'tributary'
  const maxQueueSpans = read('OTEL_BSP_MAX_QUEUE_SIZE', parse.integer(1, MAX_QUEUE_SPANS), 1)
  return {
    url: read('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', collectorUrl, `${base.replace(/\/$/, '')}/v1/traces`),
    headers: {
      ...read('OTEL_EXPORTER_OTLP_HEADERS', headerPairs, {}),
      ...read('OTEL_EXPORTER_OTLP_TRACES_HEADERS', headerPairs, {})
    },
    sampler,
    ratio: sampler.endsWith('traceidratio') ? read('OTEL_TRACES_SAMPLER_ARG', ratio, 1) : 1,
    resource: { ...attributes, 'service.name': name },
    maxQueueSpans,
    maxBatchSpans: Math.min(
      maxQueueSpans,
      read('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', parse.integer(1, MAX_QUEUE_SPANS), 1)
    ),
    batchDelayMs: read('OTEL_BSP_SCHEDULE_DELAY', parse.integer(1, MAX_MS), 1),
    exportTimeoutMs: read('OTEL_BSP_EXPORT_TIMEOUT', parse.integer(1, MAX_MS), 1)
  }
}

const protocol: parse.Parser<string> = text =>
  text.toLowerCase() === 'http/protobuf'
    ? text
    : parse.throwExpected(
        `http/protobuf, but it is ${JSON.stringify(text.slice(0, 40))}: spans go to a collector's port for OTLP over HTTP (4318); set OTEL_EXPORTER_OTLP_TRACES_PROTOCOL and OTEL_EXPORTER_OTLP_TRACES_ENDPOINT for this server alone, or OTEL_TRACES_EXPORTER=none`
      )

const collectorUrl: parse.Parser<string> = text => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    return parse.throwExpected(
      "a URL of a collector, such as http://localhost:4318, without a user's name and password"
    )
  }
  if (url.username !== '' || url.password !== '') {
    return parse.throwExpected('a URL without a name and a password; OTEL_EXPORTER_OTLP_HEADERS may hold credentials')
  }
  return text
}

const baseUrl: parse.Parser<string> = text =>
  /[?#]/.test(text)
    ? parse.throwExpected('a URL without "?" and "#", because /v1/traces is added to it')
    : collectorUrl(text)

const ratio: parse.Parser<number> = text => {
  const value = /^\d*\.?\d+(?:e-?\d+)?$/i.test(text) ? Number(text) : Number.NaN
  return value >= 0 && value <= 1 ? value : parse.throwExpected('a number from 0 to 1')
}

/** Pairs as in W3C Baggage: `name=value,name=value`, percent-encoded. The message quotes no value. */
const pairs: parse.Parser<Record<string, string>> = text => Object.fromEntries(parse.list(text).map(pairOf))

function pairOf(pair: string): [string, string] {
  const at = pair.indexOf('=')
  try {
    if (at > 0) return [decoded(pair.slice(0, at)), decoded(pair.slice(at + 1))]
  } catch {
    // A percent sign that begins no character: said below.
  }
  return parse.throwExpected('pairs such as name=value,name=value, percent-encoded')
}

const decoded = (text: string): string => decodeURIComponent(text.trim())

/** The characters of names and values of HTTP headers. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/
const FIELD = /^[\t\u{20}-\u{7e}\u{80}-\u{ff}]*$/u

const headerPairs: parse.Parser<Record<string, string>> = text => {
  const headers = pairs(text)
  const isSendable = Object.entries(headers).every(([name, value]) => TOKEN.test(name) && FIELD.test(value))
  return isSendable ? headers : parse.throwExpected('names and values that a header may have')
}
