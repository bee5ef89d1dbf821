import type * as ApiModule from '@opentelemetry/api'
import type { Attributes, Context, HrTime, Span, Tracer } from '@opentelemetry/api'
import type { Clock } from '../../model/clock.ts'
import type { RequestReport, RequestTrace } from '../../model/report.ts'
import { addEventSpans } from './event-spans.ts'
import { HTTP, TRIBUTARY } from './names.ts'
import type { PastSpan } from './past-span.ts'
import { describePublish } from './publish-span.ts'

/** What all traces of a process share. */
export interface SpanTools {
  readonly api: typeof ApiModule
  readonly tracer: Tracer
  readonly clock: Clock
}

/** When a request came: milliseconds since the epoch, and on the monotonic clock. */
interface Started {
  readonly at: number
  readonly mark: number
  readonly method: string
}

/** The spans of one request that is sampled: the server span, the steps within it, and its events. */
export class RequestSpans implements RequestTrace {
  readonly #tools: SpanTools
  readonly #root: Span
  readonly #context: Context
  readonly #started: Started
  #hasEnded = false

  constructor(tools: SpanTools, root: Span, started: Started) {
    this.#tools = tools
    this.#root = root
    this.#context = tools.api.trace.setSpan(tools.api.ROOT_CONTEXT, root)
    this.#started = started
  }

  addSteps(report: RequestReport): void {
    const { judgeMs, encodeMs, publishMs } = report.timings
    const settled = this.#now()
    const encoded = settled - publishMs
    const judged = encoded - encodeMs
    const began = judged - judgeMs
    this.#root.setAttributes(describeEvents(report))
    this.#add({ name: 'judge', from: began, to: judged })
    if (encodeMs > 0) this.#add({ name: 'enrich and route', from: judged, to: encoded })
    const publish = describePublish(report, this.#tools.api.SpanKind)
    if (publish !== undefined) this.#add({ ...publish, from: encoded, to: settled })
    addEventSpans(report, span => this.#add({ ...span, from: began, to: settled }))
  }

  end({ status, route }: { readonly status: number; readonly route: string | undefined }): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    const { SpanStatusCode } = this.#tools.api
    const root = this.#root
    root.setAttribute(HTTP.status, status)
    if (route !== undefined) {
      root.setAttribute(HTTP.route, route).updateName(`${this.#started.method} ${route}`)
      // A path with parameters may hold a write key.
      if (!/[:*]/.test(route)) root.setAttribute(HTTP.path, route)
    }
    if (status >= 500) {
      root.setAttribute(HTTP.error, String(status))
      root.setStatus({ code: SpanStatusCode.ERROR })
    }
    root.end(toHrTime(this.#now()))
  }

  /** Milliseconds since the epoch that never run backwards within a request. */
  #now(): number {
    return this.#started.at + this.#tools.clock.monotonic() - this.#started.mark
  }

  #add({ name, kind, attributes = {}, error, from, to }: PastSpan): void {
    const { api, tracer } = this.#tools
    const options = { kind: kind ?? api.SpanKind.INTERNAL, startTime: toHrTime(from), attributes }
    const span = tracer.startSpan(name, options, this.#context)
    if (error !== undefined) span.setAttribute(HTTP.error, error).setStatus({ code: api.SpanStatusCode.ERROR })
    span.end(toHrTime(to))
  }
}

/** How many events a request had, and how many of each outcome. */
function describeEvents({ source, events }: RequestReport): Attributes {
  const attributes: Record<string, string | number> = { [TRIBUTARY.source]: source, [TRIBUTARY.events]: events.length }
  for (const { outcome } of events) {
    const name = `${TRIBUTARY.outcomes}.${outcome}`
    attributes[name] = Number(attributes[name] ?? 0) + 1
  }
  return attributes
}

/** The SDK's own form, exact to the nanosecond; it takes a small number for milliseconds since the start of the process. */
export function toHrTime(milliseconds: number): HrTime {
  const seconds = Math.floor(milliseconds / 1000)
  return [seconds, Math.floor((milliseconds - seconds * 1000) * 1e6)]
}
