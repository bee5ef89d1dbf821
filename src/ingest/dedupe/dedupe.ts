/**
 * Which messageIds became durable lately, by source. An id is marked only after its event is durable, so a request
 * that failed can be sent again; while an event is on its way, a second one with the same id waits for its fate.
 */
export interface Dedupe {
  /** One per request; must end in commit() or abort(). */
  begin(source: string): DedupeClaims
}

export interface DedupeClaims {
  /**
   * Of an id in bytes [start, end). 'new': the caller must publish it. 'duplicate': durable already, or claimed before by this same request.
   * A promise: another request is publishing it now; it resolves true when that became durable, false when it failed.
   */
  claim(bytes: Uint8Array, start: number, end: number): 'new' | 'duplicate' | Promise<boolean>
  /** Everything claimed as new is durable: remember it. */
  commit(): void
  /** Nothing may be taken as durable: forget the claims. */
  abort(): void
}

/**
 * The ids of one source: those that are durable, a bounded window of them, and those that are on their way, each under
 * a ticket, a small number above 0 that is used again.
 */
export interface IdWindow {
  /** Before a request's look-ups: forgets ids that are too old. */
  forgetOld(): void
  /**
   * Looks an id up, bytes [start, end). 0: it is durable. Below 0: it is on its way under that ticket, with a minus. Above 0: it was
   * neither, and is on its way now under this ticket, which must end in keep() or drop().
   */
  take(bytes: Uint8Array, start: number, end: number): number
  /** These are durable. */
  keep(tickets: readonly number[]): void
  /** These are as if they had never been taken. */
  drop(tickets: readonly number[]): void
}

interface Ids {
  readonly window: IdWindow
  /** Whose a ticket is that is out, by its number. */
  readonly holders: (Claims | undefined)[]
}

/** @param windowOf the window of a source, made on first use */
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
      return holder === this ? 'duplicate' : holder.#fate()
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

  /** Made only when somebody waits, which is rare. */
  #fate(): Promise<boolean> {
    this.#settled ??= new Promise(resolve => {
      this.#settle = resolve
    })
    return this.#settled
  }
}
