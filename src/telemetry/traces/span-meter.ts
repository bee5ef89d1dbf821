import type * as ApiModule from '@opentelemetry/api'
import type { Attributes, MeterProvider, ObservableCallback } from '@opentelemetry/api'
import type { SpanOutcome } from './trace-metrics.ts'

/** What the batch processor tells about its spans, by the names of the conventions for SDKs. */
const PROCESSED = 'otel.sdk.processor.span.processed'
const QUEUE_SIZE = 'otel.sdk.processor.span.queue.size'
const QUEUE_FULL = 'queue_full'

export interface SpanMeter {
  readonly provider: MeterProvider
  /** Spans that wait in the queue now. */
  queued(): number
}

/** Takes the batch processor's own metrics, so that what it drops is counted by the library that drops it. */
export function createSpanMeter(
  { createNoopMeter }: Pick<typeof ApiModule, 'createNoopMeter'>,
  count: (outcome: SpanOutcome, spans: number) => void
): SpanMeter {
  const meter = createNoopMeter()
  let readQueue: ObservableCallback | undefined
  const createCounter: typeof meter.createCounter = (name, options) => {
    if (name !== PROCESSED) return meter.createCounter(name, options)
    return { add: (spans: number, attributes?: Attributes) => count(outcomeOf(attributes), spans) }
  }
  const createObservableUpDownCounter: typeof meter.createObservableUpDownCounter = (name, options) => {
    const counter = meter.createObservableUpDownCounter(name, options)
    if (name !== QUEUE_SIZE) return counter
    return {
      addCallback(callback: ObservableCallback) {
        readQueue = callback
      },
      removeCallback() {
        readQueue = undefined
      }
    }
  }
  const ours = Object.assign(Object.create(meter) as typeof meter, { createCounter, createObservableUpDownCounter })
  return {
    provider: { getMeter: () => ours },
    queued() {
      let size = 0
      void readQueue?.({ observe: value => (size = value) })
      return size
    }
  }
}

function outcomeOf(attributes: Attributes | undefined): SpanOutcome {
  const error = attributes?.['error.type']
  if (error === undefined) return 'exported'
  return error === QUEUE_FULL ? 'dropped' : 'failed'
}
