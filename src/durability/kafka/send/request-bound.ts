/** The most bytes of one produce request, unless a single record is larger. */
const MAX_REQUEST_BYTES = 512 * 1024
/** Less would be too little for the records of several partitions. */
const MIN_REQUEST_BYTES = 1_024
const SAMPLE_MS = 1_000
/**
 * For a quota a broker counts the last 11 seconds (`quota.window.num`, each of one second). A second more, so that it has
 * forgotten a request when the throttle of that request ends.
 */
const WINDOW_MS = 12_000

/**
 * How large the next request to a broker may be. A broker takes a request of any size and throttles the client
 * afterwards, for as long as the quota would have needed, less one window. A large request is throttled for minutes, even
 * if the quota is lifted meanwhile, and what arrives in these makes the next one larger still. A request of two windows is
 * throttled for one: a smaller one is counted together with the one before it.
 */
export class RequestBound {
  /** The most bytes of records in the next request, unless a single record is larger. */
  bytes = MAX_REQUEST_BYTES
  #samples: { readonly at: number; bytes: number }[] = []

  /** A request with so many bytes of records was answered; 0 ms: there is no quota, or it is not used up. */
  answered(bytes: number, throttleMs: number, now = performance.now()): void {
    const last = this.#samples.at(-1)
    if (last !== undefined && now - last.at < SAMPLE_MS) last.bytes += bytes
    else this.#samples = [...this.#samples.filter(({ at }) => now - at < WINDOW_MS), { at: now, bytes }]
    const fitting = throttleMs > 0 ? 2 * WINDOW_MS * this.#quota(throttleMs) : 2 * this.bytes
    this.bytes = Math.min(MAX_REQUEST_BYTES, Math.max(MIN_REQUEST_BYTES, fitting))
  }

  /** Bytes a millisecond, as counted in `bytes`: what the last window has takes the window and the throttle's time. */
  #quota(throttleMs: number): number {
    const counted = this.#samples.reduce((sum, { bytes }) => sum + bytes, 0)
    return counted / (WINDOW_MS + throttleMs)
  }
}
