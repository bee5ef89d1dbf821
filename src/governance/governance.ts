import type { Governance, Governor } from '../ingest/govern/governance.ts'

/**
 * Joins parts of governance. Their steps run in the order of `parts`.
 *
 * @param parts each has its own rules; a part without rules for a source costs one call for each request
 */
export function createGovernance(parts: readonly Governance[]): Governance {
  return {
    of(source, signals) {
      let joined: Governor | undefined
      for (const part of parts) {
        const governor = part.of(source, signals)
        if (governor !== undefined) joined = joined === undefined ? governor : join(joined, governor)
      }
      return joined
    }
  }
}

function join(first: Governor, second: Governor): Governor {
  return {
    address: address => second.address(first.address(address)),
    steps: [...first.steps, ...second.steps],
    mayKeep: bytes => first.mayKeep(bytes) && second.mayKeep(bytes)
  }
}
