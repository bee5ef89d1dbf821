import { getHeapStatistics } from 'node:v8'
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'
import { sendError } from '../replies.ts'

/** Compared with the mean of a sample, so that one slow turn (a large batch, a garbage collection) is no overload. */
const MAX_LOOP_DELAY_MS = 500
const SAMPLE_MS = 500
/** Share of V8's heap limit. Above it a process spends its time on garbage collection and finally runs out of memory. */
const MAX_HEAP_SHARE = 0.85

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Sends the answer of a route while the server sheds load, instead of 503. */
    answerOverload?: (reply: FastifyReply) => void
    /** Exempt from load shedding: the route costs little, and its clients do not retry. */
    exemptFromLoadShedding?: boolean
  }
}

/** Answers 503 at once while the event loop or the heap is overloaded, so that accepted requests are not slowed down. */
export async function shedLoad(app: FastifyInstance, onShed: () => void): Promise<void> {
  let hasStarted = false
  await app.register(underPressure, {
    maxEventLoopDelay: MAX_LOOP_DELAY_MS,
    maxHeapUsedBytes: getHeapStatistics().heap_size_limit * MAX_HEAP_SHARE,
    sampleInterval: SAMPLE_MS,
    pressureHandler: (request, reply) => {
      const { answerOverload, exemptFromLoadShedding } = request.routeOptions.config
      if (!hasStarted || exemptFromLoadShedding === true) return
      onShed()
      if (answerOverload === undefined) sendError(reply, 'overloaded')
      else answerOverload(reply)
    }
  })
  // The first sample contains the time for which the start blocked the event loop, which is no overload.
  const afterSample = (next: () => void): unknown => setTimeout(next, SAMPLE_MS).unref()
  afterSample(() => afterSample(() => (hasStarted = true)))
}
