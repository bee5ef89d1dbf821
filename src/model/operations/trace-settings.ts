/** The samplers of OpenTelemetry that need nothing but a ratio. */
export const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio'
] as const

/** What the OTEL variables ask for. */
export interface TraceSettings {
  /** The URL that spans are posted to. */
  readonly url: string
  /** Headers of these requests; they may hold a key for the collector. */
  readonly headers: Readonly<Record<string, string>>
  readonly sampler: (typeof SAMPLERS)[number]
  /** From 0 to 1, for the samplers that need it. */
  readonly ratio: number
  /** Attributes of the process, `service.name` among them. */
  readonly resource: Readonly<Record<string, string>>
  /** The most spans that wait to be exported; more are dropped. */
  readonly maxQueueSpans: number
  readonly maxBatchSpans: number
  /** How long spans wait for others before a batch is sent. */
  readonly batchDelayMs: number
  /** How long the queue waits for one batch. */
  readonly exportTimeoutMs: number
}
