import type { OutgoingRecord } from '../../model/record.ts'
import type { Lines } from './contract.ts'

/** The lines of records, in as few pieces as can be had without copying: those that lie side by side are one. */
export function linesOf(records: readonly OutgoingRecord[]): Lines {
  const pieces: Buffer[] = []
  const lengths: number[] = []
  let block: Buffer | undefined
  let start = 0
  let end = 0
  for (const record of records) {
    lengths.push(record.lineEnd - record.lineStart)
    if (block !== record.block || end !== record.lineStart) {
      if (block !== undefined) pieces.push(block.subarray(start, end))
      block = record.block
      start = record.lineStart
    }
    end = record.lineEnd
  }
  if (block !== undefined) pieces.push(block.subarray(start, end))
  return { pieces, lengths }
}
