/**
 * The messageIds that became durable within the window, by source. An id is remembered only after its event is durable, so
 * that a failed request can be retried. While an event is in flight, another event with the same id waits for the result.
 */
export interface Dedupe {
  /** Begins the claims of one request; the caller must end them with commit() or abort(). */
  begin(source: string): DedupeClaims
}

export interface DedupeClaims {
  /**
   * Claims the id in bytes [start, end). 'new': the caller must publish the event. 'duplicate': the id is durable, or this
   * request has claimed it before. A promise: another request is publishing the id; it resolves with true when the id is
   * durable, and with false when that request failed.
   */
  claim(bytes: Uint8Array, start: number, end: number): 'new' | 'duplicate' | Promise<boolean>
  /** All ids that were claimed as new are durable: remembers them. */
  commit(): void
  /** Nothing is durable: forgets the claims. */
  abort(): void
}

/**
 * The ids of one source: a bounded window of durable ids, and the ids in flight. Each id in flight has a ticket, a small
 * number above 0 that is reused.
 */
export interface IdWindow {
  /** Forgets ids that are older than the window. Called before the look-ups of a request. */
  forgetOld(): void
  /**
   * Looks up the id in bytes [start, end). Returns 0 if the id is durable, and minus its ticket if the id is in flight.
   * Otherwise the id is in flight from now on, and its new ticket is returned; the caller must pass it to keep() or drop().
   */
  take(bytes: Uint8Array, start: number, end: number): number
  /** The ids of these tickets are durable: remembers them. */
  keep(tickets: readonly number[]): void
  /** Forgets the ids of these tickets, as if they had never been taken. */
  drop(tickets: readonly number[]): void
}

interface Ids {
  readonly window: IdWindow
  /** The claims that hold each ticket, by its number. */
  readonly holders: (Claims | undefined)[]
}

/** @param windowOf returns the window of a source; called once for each source */
export function createDedupe(windowOf: (source: string) => IdWindow): Dedupe {
  const bySource = new Map<string, Ids>()

  return {
    begin(source) {
      let ids = bySource.get(source)
      if (ids === undefined) bySource.set(source, (ids = { window: windowOf(source), holders: [] }))
      return new Claims(ids)
    }
  }
}

class Claims implements DedupeClaims {
  readonly #ids: Ids
  #tickets: number[] = []
  #settled: Promise<boolean> | undefined
  #settle: ((durable: boolean) => void) | undefined

  constructor(ids: Ids) {
    this.#ids = ids
    ids.window.forgetOld()
  }

  claim(bytes: Uint8Array, start: number, end: number): 'new' | 'duplicate' | Promise<boolean> {
    const { window, holders } = this.#ids
    const ticket = window.take(bytes, start, end)
    if (ticket === 0) return 'duplicate'
    if (ticket < 0) {
      const holder = holders[-ticket] as Claims
      return holder === this ? 'duplicate' : holder.#result()
    }
    holders[ticket] = this
    this.#tickets.push(ticket)
    return 'new'
  }

  commit(): void {
    this.#ids.window.keep(this.#tickets)
    this.#end(true)
  }

  abort(): void {
    this.#ids.window.drop(this.#tickets)
    this.#end(false)
  }

  #end(durable: boolean): void {
    for (const ticket of this.#tickets) this.#ids.holders[ticket] = undefined
    this.#tickets = []
    this.#settle?.(durable)
  }

  /** The promise is created only if another request waits, which is rare. */
  #result(): Promise<boolean> {
    this.#settled ??= new Promise(resolve => {
      this.#settle = resolve
    })
    return this.#settled
  }
}
