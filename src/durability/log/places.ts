import { basename, join } from 'node:path'
import type { ReadPlaces, Receipt } from '../../model/sink.ts'
import type { Position } from './contract.ts'

/** Makes the receipt of consecutive lines. `first`: the position of the first of them. */
export type ReceiptMaker = (first: Position, lengths: readonly number[]) => Receipt

/** Receipts of appends to one folder. Their marks are byte positions, one a line, in the file that `read` names. */
export function createReceiptMaker(store: 'log' | 'spool', dir: string): ReceiptMaker {
  // A segment has very many appends: their receipts share one reading function.
  let latest: { readonly file: string; readonly read: ReadPlaces } | undefined
  return (first, lengths) => {
    const { file, offset } = first
    if (latest?.file !== file) latest = { file, read: placesIn(store, join(basename(dir), file)) }
    return { marks: positionsOf(offset, lengths), read: latest.read, released: true }
  }
}

function placesIn(store: 'log' | 'spool', file: string): ReadPlaces {
  return (marks, index) => {
    const position = marks[index]
    return position === undefined ? [] : [{ store, file, position }]
  }
}

function positionsOf(first: number, lengths: readonly number[]): number[] {
  const positions = [first]
  let next = first
  for (let i = 1; i < lengths.length; i++) positions.push((next += lengths[i - 1] as number))
  return positions
}
