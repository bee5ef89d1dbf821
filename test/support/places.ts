import type { Placement, Receipt } from '../../src/model/sink.ts'

/** Where record `index` of the receipt is. */
export function placesOf({ marks, read }: Receipt, index: number): readonly Placement[] {
  return read(marks, index)
}
