import { isUtf8 } from 'node:buffer'
import { COMMA, OPEN_BRACKET } from './json-bytes.ts'
import { KEY } from './known-keys.ts'
import type { Span } from './outline.ts'
import { elementsOf, outlineOf } from './outline.ts'
import type { EnvelopeScan, Scan } from './scan-result.ts'

const BLANK = 0x20

/** SDKs write up to six members into a batch: `batch` is not looked for behind so many. */
const MAX_MEMBERS = 64

/**
 * Writes blanks over the commas and NULs that stand between the elements of `batch` and separate nothing: before the first
 * element, behind the last one, and all but the first comma between two. No position changes.
 *
 * @param maxElements a batch of more is left as it is: it is refused in any case
 * @returns the elements as they stand then; undefined where there is nothing to write over
 */
export function blankStraySeparators(bytes: Buffer, start: number, maxElements: number): readonly Span[] | undefined {
  const batch = outlineOf(bytes, start, MAX_MEMBERS)?.members.find(({ key }) => key === 'batch')?.value
  if (batch === undefined || bytes[batch.start] !== OPEN_BRACKET) return undefined
  const elements = elementsOf(bytes, batch.start, maxElements + 1)
  if (elements.length > maxElements) return undefined
  let from = batch.start + 1
  let isChanged = false
  for (let index = 0; index <= elements.length; index++) {
    const to = elements[index]?.start ?? batch.end - 1
    const isBetween = index > 0 && index < elements.length
    if (blankGap(bytes, { start: from, end: to }, isBetween ? 1 : 0)) isChanged = true
    from = elements[index]?.end ?? to
  }
  return isChanged ? elements : undefined
}

/** @param commas how many commas stay, the first ones */
function blankGap(bytes: Buffer, { start, end }: Span, commas: number): boolean {
  let left = commas
  let isChanged = false
  for (let at = start; at < end; at++) {
    const byte = bytes[at]
    if (byte === COMMA && left-- > 0) continue
    if (byte !== COMMA && byte !== 0) continue
    bytes[at] = BLANK
    isChanged = true
  }
  return isChanged
}

/** Whether the walk has found the very elements between which something was written over. */
export function isSameElements(spans: readonly Span[], scans: readonly Scan[]): boolean {
  return (
    spans.length === scans.length &&
    spans.every(({ start, end }, i) => scans[i]?.start === start && scans[i].end === end)
  )
}

/** Which events of a batch are not UTF-8, by index; undefined where anything else in the body is not. */
export function brokenTextsOf(bytes: Buffer, { whole, elements }: EnvelopeScan): ReadonlySet<number> | undefined {
  const place = whole.find(KEY.batch)
  if (place < 0 || elements === undefined) return undefined
  const [start, end] = [whole.valueStartAt(place), whole.valueEndAt(place)]
  if (!isUtf8(bytes.subarray(0, start)) || !isUtf8(bytes.subarray(end))) return undefined
  const broken = new Set<number>()
  for (const [index, element] of elements.entries()) {
    if (!isUtf8(bytes.subarray(element.start, element.end))) broken.add(index)
  }
  return broken
}
