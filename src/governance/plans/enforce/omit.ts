import type { Edit } from '../../../ingest/govern/splice.ts'
import { elementsOf } from '../../../ingest/parse/outline.ts'
import { scanObject } from '../../../ingest/parse/scan.ts'
import type { Scan } from '../../../ingest/parse/scan-result.ts'
import type { MemberPath } from '../schema/shape.ts'

/** The members to leave out, as a tree. A leaf is removed with everything in it. */
interface Node {
  isLeaf: boolean
  readonly inner: Map<string, Node>
}

const OPEN_BRACE = 0x7b
const OPEN_BRACKET = 0x5b

/** The edits that remove members from an event. Besides each member, they remove only a comma. */
export function omissions(bytes: Buffer, event: Scan, paths: readonly MemberPath[]): Edit[] {
  const root: Node = { isLeaf: false, inner: new Map() }
  for (const path of paths) addPath(root, path)
  const edits: Edit[] = []
  for (let place = 0; place < event.size; place++) {
    const node = root.inner.get(event.keyAt(place))
    if (node !== undefined) visit(bytes, [event.valueStartAt(place), event.valueEndAt(place)], node, edits)
  }
  return edits
}

function addPath(root: Node, path: MemberPath): void {
  let at = root
  for (const step of path) {
    let next = at.inner.get(String(step))
    if (next === undefined) at.inner.set(String(step), (next = { isLeaf: false, inner: new Map() }))
    at = next
  }
  at.isLeaf = true
}

function visit(bytes: Buffer, [start, end]: readonly [number, number], { inner }: Node, edits: Edit[]): void {
  if (bytes[start] === OPEN_BRACKET) {
    for (const [index, element] of elementsOf(bytes.subarray(0, end), start).entries()) {
      const node = inner.get(String(index))
      if (node !== undefined) visit(bytes, [element.start, element.end], node, edits)
    }
    return
  }
  if (bytes[start] !== OPEN_BRACE) return
  const scan = scanObject(bytes, { start, end })
  const isGone = Array.from({ length: scan.size }, (_, place) => inner.get(scan.keyAt(place))?.isLeaf === true)
  for (let place = 0; place < scan.size; place++) {
    const node = inner.get(scan.keyAt(place))
    if (isGone[place] === true) place = cut(scan, isGone, place, edits)
    else if (node !== undefined) visit(bytes, [scan.valueStartAt(place), scan.valueEndAt(place)], node, edits)
  }
}

/**
 * Removes the run of members that begins at `first`, with the comma after it, or else the comma before it.
 *
 * @returns the last place of the run
 */
function cut(scan: Scan, isGone: readonly boolean[], first: number, edits: Edit[]): number {
  let last = first
  while (isGone[last + 1] === true) last++
  const hasNext = last + 1 < scan.size
  const start = hasNext || first === 0 ? scan.startAt(first) : scan.valueEndAt(first - 1)
  edits.push({ start, end: hasNext ? scan.startAt(last + 1) : scan.valueEndAt(last), text: '' })
  return last
}
