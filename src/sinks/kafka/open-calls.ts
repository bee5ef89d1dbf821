import type { Call } from './call.ts'

/**
 * The calls that are not settled, oldest first, linked to one another. Not in a set: one that is used for long leaves a
 * trail of old tables behind, each of which holds the next one and calls that were in it; as soon as one of them lies
 * in V8's old space, no call and none of its records is freed before all of the heap is looked through.
 */
export class OpenCalls {
  #oldest: Call | undefined
  #newest: Call | undefined

  get oldest(): Call | undefined {
    return this.#oldest
  }

  add(call: Call): void {
    call.previous = this.#newest
    if (this.#newest === undefined) this.#oldest = call
    else this.#newest.next = call
    this.#newest = call
  }

  /** Takes out a call that is among them, and leaves nothing in it that holds on to others. */
  remove(call: Call): void {
    const { previous, next } = call
    if (previous === undefined) this.#oldest = next
    else previous.next = next
    if (next === undefined) this.#newest = previous
    else next.previous = previous
    call.previous = undefined
    call.next = undefined
  }
}
