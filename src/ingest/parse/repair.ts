import { isUtf8 } from 'node:buffer'
import { COMMA, OPEN_BRACKET } from './json-bytes.ts'
import { KEY } from './known-keys.ts'
import type { Span } from './outline.ts'
import { elementsOf, outlineOf } from './outline.ts'
import type { EnvelopeScan, Scan } from './scan-result.ts'

const BLANK = 0x20

/** The most members that are searched for `batch`; SDKs write up to six members into a batch. */
const MAX_MEMBERS = 64

/**
 * Overwrites stray commas and NULs between the elements of `batch` with blanks: before the first element, after the last
 * element, and all but the first comma between two elements. No position changes.
 *
 * @param maxElements a batch with more elements is left unchanged, because it is refused in any case
 * @returns the elements; undefined if nothing was overwritten
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

/** @param commas the number of commas that stay, from the first */
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

/** Whether the scans are of exactly the elements that blankStraySeparators() found. */
export function isSameElements(spans: readonly Span[], scans: readonly Scan[]): boolean {
  return (
    spans.length === scans.length &&
    spans.every(({ start, end }, i) => scans[i]?.start === start && scans[i].end === end)
  )
}

/** The indexes of a batch's events that are not UTF-8; undefined if the body outside `batch` is not UTF-8. */
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
