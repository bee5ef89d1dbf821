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
   * 'new': the caller must publish it. 'duplicate': durable already, or claimed before by this same request.
   * A promise: another request is publishing it now; it resolves true when that became durable, false when it failed.
   */
  claim(messageId: string): 'new' | 'duplicate' | Promise<boolean>
  /** Everything claimed as new is durable: remember it. */
  commit(): void
  /** Nothing may be taken as durable: forget the claims. */
  abort(): void
}

/** The ids of one source that are durable: a bounded window. */
export interface IdWindow {
  has(messageId: string): boolean
  /** What to hand to add() for the id that has() was last asked for: hashing it once is enough. */
  hashOfLast(): IdHash
  add(hash: IdHash): void
}

/** The halves of an id's hash. */
export interface IdHash {
  readonly high: number
  readonly low: number
}

/** @param windowOf the window of a source, made on first use */
export function createDedupe(windowOf: (source: string) => IdWindow): Dedupe {
  const inFlight = new Map<string, Map<string, Claims>>()

  return {
    begin(source) {
      let claimed = inFlight.get(source)
      if (claimed === undefined) inFlight.set(source, (claimed = new Map()))
      return new Claims(windowOf(source), claimed)
    }
  }
}

class Claims implements DedupeClaims {
  readonly #window: IdWindow
  readonly #inFlight: Map<string, Claims>
  readonly #ids: string[] = []
  readonly #hashes: IdHash[] = []
  #settled: Promise<boolean> | undefined
  #settle: ((durable: boolean) => void) | undefined

  constructor(window: IdWindow, inFlight: Map<string, Claims>) {
    this.#window = window
    this.#inFlight = inFlight
  }

  claim(messageId: string): 'new' | 'duplicate' | Promise<boolean> {
    const holder = this.#inFlight.get(messageId)
    if (holder !== undefined) return holder === this ? 'duplicate' : holder.#fate()
    if (this.#window.has(messageId)) return 'duplicate'
    this.#inFlight.set(messageId, this)
    this.#ids.push(messageId)
    this.#hashes.push(this.#window.hashOfLast())
    return 'new'
  }

  commit(): void {
    for (const hash of this.#hashes) this.#window.add(hash)
    this.#end(true)
  }

  abort(): void {
    this.#end(false)
  }

  #end(durable: boolean): void {
    for (const id of this.#ids) this.#inFlight.delete(id)
    this.#ids.length = 0
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
