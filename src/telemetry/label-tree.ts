interface Branch<Leaf> {
  readonly branches: Map<string, Branch<Leaf>>
  leaf: Leaf | undefined
}

/** Keeps one thing for each combination of label values, found without making a key of them. */
export class LabelTree<Leaf> {
  readonly #root: Branch<Leaf> = { branches: new Map(), leaf: undefined }
  readonly #make: (values: readonly string[]) => Leaf

  constructor(make: (values: readonly string[]) => Leaf) {
    this.#make = make
  }

  /** What belongs to these values, made when they are asked for the first time. */
  of(values: readonly string[]): Leaf {
    let branch = this.#root
    for (const value of values) {
      let next = branch.branches.get(value)
      if (next === undefined) branch.branches.set(value, (next = { branches: new Map(), leaf: undefined }))
      branch = next
    }
    return (branch.leaf ??= this.#make(values))
  }
}
