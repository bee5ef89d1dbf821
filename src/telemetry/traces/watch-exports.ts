import type { SpanExporter } from '@opentelemetry/sdk-trace'

/** ExportResultCode of @opentelemetry/core, whose enum is the only thing of it that would be needed. */
const SUCCESS = 0
const FAILED = 1
const MAX_REASON_CHARS = 200

const hasFailed = ({ code }: { readonly code: number }): boolean => code !== SUCCESS

/** The part of the logger that is used here. */
export interface TraceLog {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
}

export interface ExportOptions {
  readonly url: string
  readonly log: TraceLog
  /** How long a batch may take; the exporter's own time-out does not bound every slow answer. */
  readonly timeoutMs: number
}

/** Ends exports that take too long, and logs one line when spans cannot be exported any more, and one when they can be again. */
export function watchExports(exporter: SpanExporter, { url, log, timeoutMs }: ExportOptions): SpanExporter {
  let isFailing = false

  function note(error: Error | undefined, failed: boolean): void {
    if (failed && !isFailing) {
      const reason = (error?.message ?? '').slice(0, MAX_REASON_CHARS)
      log.warn({ url, reason }, 'spans cannot be exported; requests are answered as before')
    }
    if (!failed && isFailing) log.info({ url }, 'spans are exported again')
    isFailing = failed
  }

  return {
    export(spans, onResult) {
      let isOver = false
      const settle: typeof onResult = result => {
        if (isOver) return
        isOver = true
        clearTimeout(timer)
        note(result.error, hasFailed(result))
        onResult(result)
      }
      const late = (): void => settle({ code: FAILED, error: new Error(`no whole answer within ${timeoutMs} ms`) })
      const timer = setTimeout(late, timeoutMs).unref()
      exporter.export(spans, settle)
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.()
  }
}
