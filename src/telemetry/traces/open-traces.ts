import type * as ApiModule from '@opentelemetry/api'
import type { Context } from '@opentelemetry/api'
import type * as SdkModule from '@opentelemetry/sdk-trace'
import type { Sampler } from '@opentelemetry/sdk-trace'
import type { Clock } from '../../model/clock.ts'
import { ConfigError } from '../../model/config-error.ts'
import { hideUrlSecrets } from '../../model/operations/hide-url-secrets.ts'
import { parseTraceparent } from '../../model/record.ts'
import type { RequestTrace } from '../../model/report.ts'
import type { TraceSettings } from '../../model/operations/trace-settings.ts'
import { HTTP, SCHEMA_URL } from './names.ts'
import { RequestSpans, toHrTime } from './request-spans.ts'
import { createSpanMeter } from './span-meter.ts'
import type { SpanOutcome } from './trace-metrics.ts'
import type { TraceLog } from './state-log.ts'
import { watchExports } from './watch-exports.ts'

/** Longer texts are cut: of all that a span holds, only a messageId is the sender's. */
const MAX_TEXT_CHARS = 256

export interface TracesOptions {
  readonly settings: TraceSettings
  readonly version: string
  readonly clock: Clock
  readonly log: TraceLog
  readonly count: (outcome: SpanOutcome, spans: number) => void
}

/** Traces of requests, on their way to a collector. */
export interface Traces {
  /** Begins the trace of a request; undefined if it is not sampled. Never waits and never throws. */
  readonly begin: (head: {
    readonly method: string
    readonly scheme: string
    readonly traceparent: unknown
  }) => RequestTrace | undefined
  /** Spans that wait in the queue now. */
  queued(): number
  /** Sends what is in the queue, for at most `timeoutMs`. Never rejects. */
  close(timeoutMs: number): Promise<void>
}

/**
 * Loads OpenTelemetry's packages and makes traces with them. Only a server whose OTEL variables ask for traces calls this, so
 * that no other loads them. Rejects with ConfigError if they are not installed.
 */
export async function openTraces({ settings, version, clock, log, count }: TracesOptions): Promise<Traces> {
  const packages = await load()
  const { api, sdk, resources, OTLPTraceExporter } = packages
  const meter = createSpanMeter(api, count)
  const { url, headers, maxQueueSpans, maxBatchSpans, batchDelayMs, exportTimeoutMs } = settings
  const exporter = watchExports(new OTLPTraceExporter({ url, headers: { ...headers } }), {
    url,
    log,
    timeoutMs: exportTimeoutMs
  })
  const processor = new sdk.BatchSpanProcessor({
    exporter,
    maxQueueSize: maxQueueSpans,
    maxExportBatchSize: maxBatchSpans,
    scheduledDelayMillis: batchDelayMs,
    exportTimeoutMillis: exportTimeoutMs,
    selfObsMeterProvider: meter.provider
  })
  const attributes = { 'service.version': version, 'service.instance.id': crypto.randomUUID(), ...settings.resource }
  const provider = new sdk.TracerProvider({
    sampler: samplerOf(settings, sdk),
    resource: resources.defaultResource().merge(resources.resourceFromAttributes(attributes)),
    spanLimits: { attributeValueLengthLimit: MAX_TEXT_CHARS },
    spanProcessors: [processor]
  })
  const tracer = provider.getTracer('tributary', version, { schemaUrl: SCHEMA_URL })
  const tools = { api, tracer, clock }
  log.info({ url: hideUrlSecrets(url), sampler: settings.sampler }, 'traces go to a collector')
  return {
    begin({ method, scheme, traceparent }) {
      const started = { at: clock.now(), mark: clock.monotonic() }
      const options = {
        kind: api.SpanKind.SERVER,
        startTime: toHrTime(started.at),
        attributes: { [HTTP.method]: method, [HTTP.scheme]: scheme }
      }
      const root = tracer.startSpan(method, options, parentOf(traceparent, api))
      return root.isRecording() ? new RequestSpans(tools, root, { ...started, method }) : undefined
    },
    queued: meter.queued,
    async close(timeoutMs) {
      const flushed = provider.shutdown().catch(() => undefined)
      const { promise: late, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, timeoutMs)
      await Promise.race([flushed, late])
      clearTimeout(timer)
    }
  }
}

async function load() {
  try {
    const [api, sdk, resources, { OTLPTraceExporter }] = await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/exporter-trace-otlp-proto')
    ])
    return { api, sdk, resources, OTLPTraceExporter }
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error
    const how = 'install them with "npm ci", or set OTEL_TRACES_EXPORTER=none'
    throw new ConfigError(
      [`the OTEL variables ask for traces, but OpenTelemetry's packages are not installed: ${how}`],
      {
        cause: error
      }
    )
  }
}

function samplerOf({ sampler, ratio }: TraceSettings, sdk: typeof SdkModule): Sampler {
  const { AlwaysOnSampler, AlwaysOffSampler, TraceIdRatioBasedSampler, ParentBasedSampler } = sdk
  switch (sampler) {
    case 'always_on':
      return new AlwaysOnSampler()
    case 'always_off':
      return new AlwaysOffSampler()
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(ratio)
    case 'parentbased_always_on':
      return new ParentBasedSampler({ root: new AlwaysOnSampler() })
    case 'parentbased_always_off':
      return new ParentBasedSampler({ root: new AlwaysOffSampler() })
    case 'parentbased_traceidratio':
      return new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) })
    default:
      return sampler satisfies never
  }
}

/** The sender's span as the parent, by the same rule as the header of a record. */
function parentOf(header: unknown, { ROOT_CONTEXT, trace }: typeof ApiModule): Context {
  const [, traceId, spanId, flags] = parseTraceparent(header)?.split('-') ?? []
  if (traceId === undefined || spanId === undefined) return ROOT_CONTEXT
  const traceFlags = Number.parseInt(flags ?? '0', 16) & 1
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true })
}
