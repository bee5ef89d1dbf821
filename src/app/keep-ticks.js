/**
 * Keeps `process.nextTick` fast, see `keptTicks`. This file is JavaScript for the reason given in start.js, and is loaded
 * before all other modules.
 */
import { createHook } from 'node:async_hooks'

function takeTicks() {
  const ticks = []
  // Tracking promises, even once, slows down every later `await`.
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
 * An object that `process.nextTick` creates internally. It is never released, so that its hidden class stays alive. Without
 * any object, V8 drops the class and creates another one later: after a garbage collection with an empty queue, which happens
 * during each start, every later call would take eight times as long, and a request makes seven calls.
 */
export const keptTicks = takeTicks()
