import fc from 'fast-check'
import t from 'tap'
import type { Call } from '../../../src/sinks/kafka/call.ts'
import { createCall } from '../../../src/sinks/kafka/call.ts'
import { OpenCalls } from '../../../src/sinks/kafka/open-calls.ts'

function newCall(): Call {
  return createCall([], { resolve: () => undefined, reject: () => undefined })
}

t.test(
  'whatever order calls are settled in, the oldest that is open is known, and the settled hold no other',
  async t => {
    // Above 0: a call comes. Else: the open call at that place goes.
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -10, max: 10 }), { maxLength: 100 }), steps => {
        const calls = new OpenCalls()
        const open: Call[] = []
        return steps.every(step => {
          if (step > 0 || open.length === 0) {
            const call = newCall()
            calls.add(call)
            open.push(call)
            return calls.oldest === open[0]
          }
          const [gone] = open.splice(-step % open.length, 1) as [Call]
          calls.remove(gone)
          return calls.oldest === open[0] && gone.next === undefined && gone.previous === undefined
        })
      })
    )
    t.pass('100 histories')
  }
)
