/** The most workers whose numbers fit into a seq. */
const SEQ_WORKERS = 64
/** More events than one worker processes in a millisecond, so that seqs of several workers are in the order of time. */
const SEQS_PER_MS = 256
/** The oldest marks are dropped beyond this number: hours of traffic. */
const MAX_MARKS = 100_000

/**
 * One numbering of events over all workers. A worker counts its events from 1 on. Here each event has a number that no
 * other worker uses and that rises with time over all workers, so that a cursor of one worker is valid for the others.
 */
export interface Seqs {
  /** Call this regularly: later events get numbers above those that other workers have used until now. */
  mark(): void
  toGlobal(local: number): number
  /** The last own event with a number up to this one; 0 if there is none. */
  toLocalAfter(global: number): number
  /** The first own event with a number from this one on. */
  toLocalBefore(global: number): number
  /** No event after the own event `seen` has a number up to this one, whenever it comes. */
  horizon(seen: number): number
}

/**
 * @param options.index the index of the worker
 * @param options.nextLocal the number of its next event in its own count
 * @param options.elapsedMs the time since a moment that is the same for all workers
 */
export function createSeqs(options: {
  readonly index: number
  readonly nextLocal: () => number
  readonly elapsedMs: () => number
}): Seqs {
  const { index, nextLocal, elapsedMs } = options
  /** Own events from `locals[i]` on have the numbers from `shifted[i]` on, without the index of the worker. */
  const locals = [1]
  const shifted = [1]

  function mark(): void {
    const local = nextLocal()
    const last = locals.length - 1
    const natural = (shifted[last] as number) + local - (locals[last] as number)
    const wanted = Math.floor(elapsedMs() * SEQS_PER_MS)
    if (wanted <= natural) return
    if (local === locals[last]) {
      shifted[last] = wanted
      return
    }
    locals.push(local)
    shifted.push(wanted)
    if (locals.length <= MAX_MARKS) return
    locals.splice(0, MAX_MARKS / 2)
    shifted.splice(0, MAX_MARKS / 2)
  }

  function toGlobal(local: number): number {
    const at = lastAtMost(locals, local)
    return ((shifted[at] as number) + local - (locals[at] as number)) * SEQ_WORKERS + index
  }

  function toLocalAfter(global: number): number {
    const most = Math.floor((global - index) / SEQ_WORKERS)
    const at = lastAtMost(shifted, most)
    const local = (locals[at] as number) + most - (shifted[at] as number)
    const end = locals[at + 1] ?? nextLocal()
    return Math.max(0, Math.min(local, end - 1))
  }

  return {
    mark,
    toGlobal,
    toLocalAfter,
    toLocalBefore: global => toLocalAfter(global - 1) + 1,
    horizon(seen) {
      mark()
      return toGlobal(seen + 1) - 1
    }
  }
}

export function workerOf(global: number): number {
  return global % SEQ_WORKERS
}

/** The last index whose value is at most this value; the first index if there is none. */
function lastAtMost(values: readonly number[], value: number): number {
  let low = 0
  let high = values.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((values[middle] as number) <= value) low = middle + 1
    else high = middle
  }
  return Math.max(0, low - 1)
}
