import type { SpanExporter } from '@opentelemetry/sdk-trace'
import { hideUrlSecrets } from '../../model/operations/hide-url-secrets.ts'
import type { TraceLog } from './state-log.ts'
import { StateLog } from './state-log.ts'

/** ExportResultCode of @opentelemetry/core, whose enum is the only thing of it that would be needed. */
const SUCCESS = 0
const FAILED = 1
const MAX_REASON_CHARS = 200

const hasFailed = ({ code }: { readonly code: number }): boolean => code !== SUCCESS

export interface ExportOptions {
  readonly url: string
  readonly log: TraceLog
  /** How long a batch may take; the exporter's own time-out does not bound every slow answer. */
  readonly timeoutMs: number
}

/** Ends exports that take too long, and logs when spans cannot be exported any more, and when they can be again. */
export function watchExports(exporter: SpanExporter, { url, log, timeoutMs }: ExportOptions): SpanExporter {
  const state = new StateLog(log, hideUrlSecrets(url))
  const { search } = new URL(url)

  /** An error may quote the URL, or what follows its host. */
  function reasonOf({ message = '' }: Partial<Error> = {}): string {
    const harmless = search === '' ? message : message.replaceAll(search, '?(hidden)')
    return hideUrlSecrets(harmless).slice(0, MAX_REASON_CHARS)
  }

  return {
    export(spans, onResult) {
      let isOver = false
      const settle: typeof onResult = result => {
        if (isOver) return
        isOver = true
        clearTimeout(timer)
        state.note(hasFailed(result) ? reasonOf(result.error) : undefined)
        onResult(result)
      }
      const late = (): void => settle({ code: FAILED, error: new Error(`no whole answer within ${timeoutMs} ms`) })
      const timer = setTimeout(late, timeoutMs).unref()
      exporter.export(spans, settle)
    },
    async shutdown() {
      await exporter.shutdown()
      state.close()
    },
    forceFlush: async () => exporter.forceFlush?.()
  }
}
