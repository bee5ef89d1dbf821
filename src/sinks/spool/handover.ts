/** So long publishers are held at most, and so long until they are held again where that was not enough. */
const MAX_HOLD_MS = 250
const PAUSE_MS = 1_000
const MAX_HELD_BYTES = 16 * 1024 * 1024

export interface Handover {
  readonly active: boolean
  /** From now on publishers are held, until end() or the time is over; not again too soon. */
  begin(): void
  /** Calls `go` when publishers are let go, in the order in which they came. Only while active. */
  hold<T>(bytes: number, go: () => Promise<T>): Promise<T>
  /** Lets all go at once. */
  end(): void
}

/**
 * The last step from the spool back to Kafka. Under a load that never pauses the spool would never be empty, since new
 * events go behind it; so when little is left, newcomers wait for a moment until the relay has caught up.
 */
export function createHandover(monotonic: () => number): Handover {
  let held: (() => void)[] | undefined
  let heldBytes = 0
  let notBefore = 0
  let timer: NodeJS.Timeout | undefined

  function end(): void {
    clearTimeout(timer)
    const released = held ?? []
    held = undefined
    heldBytes = 0
    for (const go of released) go()
  }

  return {
    get active() {
      return held !== undefined
    },
    begin() {
      if (held !== undefined || monotonic() < notBefore) return
      held = []
      notBefore = monotonic() + MAX_HOLD_MS + PAUSE_MS
      timer = setTimeout(end, MAX_HOLD_MS)
    },
    async hold(bytes, go) {
      const { promise, resolve } = Promise.withResolvers<ReturnType<typeof go>>()
      held?.push(() => resolve(go()))
      heldBytes += bytes
      if (heldBytes > MAX_HELD_BYTES) end()
      return promise
    },
    end
  }
}
