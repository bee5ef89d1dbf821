import { LabelTree } from './label-tree.ts'

interface Cell {
  readonly values: readonly string[]
  amount: number
}

/** A counter whose add() costs one addition. The library's counter, which costs several times that, is updated by flush(). */
export interface Tally {
  /** @param values one for each label, in their order */
  add(values: readonly string[], amount: number): void
  /** Passes the sums since the last flush to `write`. */
  flush(): void
}

/** @param write called for every combination of labels that was ever added to, in the order of their first use */
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
