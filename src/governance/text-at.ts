import type { ParsedBody } from '../ingest/parse/body.ts'
import type { Scan } from '../ingest/parse/scan-result.ts'
import { KIND } from '../ingest/parse/scan-result.ts'

/**
 * The text of the member at `place`: the content of a string, or a number as it was sent. Undefined for other values,
 * and if `place` is below 0.
 */
export function textAt(scan: Scan, place: number, { text }: ParsedBody): string | undefined {
  if (place < 0) return undefined
  const [start, end] = [scan.valueStartAt(place), scan.valueEndAt(place)]
  switch (scan.kindAt(place)) {
    case KIND.stringPlain:
      return text(start + 1, end - 1)
    case KIND.stringEscaped:
      return JSON.parse(text(start, end)) as string
    case KIND.number:
      return text(start, end)
    default:
      return undefined
  }
}
