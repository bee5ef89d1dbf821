/**
 * Keeps `process.nextTick` fast, see `keptTicks`. In JavaScript, and before all else, for the reasons that start.js has.
 */
import { createHook } from 'node:async_hooks'

function takeTicks() {
  const ticks = []
  // Whoever tracks promises, if only once, slows down every later `await`.
  const hook = createHook({
    trackPromises: false,
    init: (_id, type, _trigger, resource) => type === 'TickObject' && ticks.push(resource)
  })
  hook.enable()
  process.nextTick(() => undefined)
  hook.disable()
  return ticks
}

/**
 * One of the objects that `process.nextTick` makes, held for good, and with it their hidden class. V8 takes a class that
 * no object has any more for another one when it comes up again: once the queue is empty during a collection of garbage,
 * as it is at some point of each start, every later call takes eight times as long, and a request makes seven.
 */
export const keptTicks = takeTicks()
