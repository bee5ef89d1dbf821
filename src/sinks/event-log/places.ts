import { basename, join } from 'node:path'
import type { Placement } from '../../model/sink.ts'
import type { Position } from './contract.ts'

/** Where line `index` of an append came to lie, counted from where the first one did. */
export function placeOfLine(
  lines: readonly Buffer[],
  index: number,
  start: { readonly store: 'log' | 'spool'; readonly dir: string; readonly first: Position }
): Placement {
  let position = start.first.offset
  for (let i = 0; i < index; i++) position += lines[i]?.length ?? 0
  return { store: start.store, file: join(basename(start.dir), start.first.file), position }
}
