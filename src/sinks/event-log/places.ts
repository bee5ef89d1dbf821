import { basename, join } from 'node:path'
import type { Placement, Receipt } from '../../model/sink.ts'
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

const NO_LENGTHS: readonly number[] = []

/** Where the lines of one append are. A small object of one shape: the debugger keeps those of thousands of requests. */
export class PlacedLines implements Receipt {
  readonly #store: Placed['store']
  readonly #dir: string
  readonly #file: string
  readonly #offset: number
  readonly #lengths: readonly number[]

  constructor({ store, dir, first, lengths }: Placed) {
    this.#store = store
    this.#dir = dir
    this.#file = first.file
    this.#offset = first.offset
    // A single line has nobody behind it, and most appends are such.
    this.#lengths = lengths.length <= 1 ? NO_LENGTHS : lengths
  }

  places(index: number): readonly Placement[] {
    const first = { file: this.#file, offset: this.#offset }
    return [placeOfLine({ store: this.#store, dir: this.#dir, first, lengths: this.#lengths }, index)]
  }
}
