import type { OutgoingRecord } from '../../model/record.ts'
import type { Lines } from './contract.ts'

/** The lines of records without copying, in as few pieces as possible: neighbours in memory are one piece. */
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
