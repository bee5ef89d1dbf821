/** The metrics of traces, a part of METRICS. They have values only while OTEL variables ask for traces. */
export const TRACE_METRICS = {
  spans: {
    kind: 'counter',
    name: 'tributary_trace_spans_total',
    help: 'Spans by what became of them: exported (a collector has taken them), failed (it has not), dropped (the queue was full).',
    labels: ['outcome']
  },
  spanQueue: {
    kind: 'gauge',
    name: 'tributary_trace_queue_spans',
    help: 'Spans that wait to be exported, bounded by OTEL_BSP_MAX_QUEUE_SIZE.',
    labels: []
  }
} as const

export type SpanOutcome = 'exported' | 'failed' | 'dropped'
