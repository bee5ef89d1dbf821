import { LabelTree } from './label-tree.ts'

interface Cell {
  readonly values: readonly string[]
  amount: number
}

/** A counter that costs an addition; the library, which costs several times that, is told when the metrics are read. */
export interface Tally {
  /** @param values one for each label, in their order */
  add(values: readonly string[], amount: number): void
  /** Hands over what has been added since the last time. */
  flush(): void
}

/** @param write told of every combination of labels that was ever added to, in the order in which they came up */
export function createTally(
  write: (labels: Record<string, string>, amount: number) => void,
  names: readonly string[]
): Tally {
  const cells: Cell[] = []
  const tree = new LabelTree<Cell>(values => {
    const cell = { values, amount: 0 }
    cells.push(cell)
    return cell
  })
  return {
    add(values, amount) {
      tree.of(values).amount += amount
    },
    flush() {
      for (const cell of cells) {
        write(Object.fromEntries(names.map((name, at) => [name, cell.values[at] ?? ''])), cell.amount)
        cell.amount = 0
      }
    }
  }
}
