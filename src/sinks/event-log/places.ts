import { basename, join } from 'node:path'
import type { Placement } from '../../model/sink.ts'
import type { Position } from './contract.ts'

/** What came to lie side by side: lengths, not lines, since receipts are kept and a line keeps its whole request. */
export interface Placed {
  readonly store: 'log' | 'spool'
  readonly dir: string
  /** Where the first line is. */
  readonly first: Position
  readonly lengths: readonly number[]
}

/** Where line `index` of an append came to lie, counted from where the first one did. */
export function placeOfLine({ store, dir, first, lengths }: Placed, index: number): Placement {
  let position = first.offset
  for (let i = 0; i < index; i++) position += lengths[i] ?? 0
  return { store, file: join(basename(dir), first.file), position }
}
