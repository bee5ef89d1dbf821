interface Branch<Leaf> {
  readonly branches: Map<string, Branch<Leaf>>
  leaf: Leaf | undefined
}

/** A map from combinations of label values to leaves, which needs no joined key for a lookup. */
export class LabelTree<Leaf> {
  readonly #root: Branch<Leaf> = { branches: new Map(), leaf: undefined }
  readonly #make: (values: readonly string[]) => Leaf

  constructor(make: (values: readonly string[]) => Leaf) {
    this.#make = make
  }

  /** The leaf of these values, which is created at the first call. */
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
