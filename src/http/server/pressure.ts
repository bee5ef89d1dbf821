import { getHeapStatistics } from 'node:v8'
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'
import { sendError } from '../replies.ts'

/** The mean over a sample: a single slow turn (a large batch, a collection of garbage) is no overload. */
const MAX_LOOP_DELAY_MS = 500
const SAMPLE_MS = 500
/** Of V8's own limit: beyond it a process spends its time collecting garbage, and then ends. */
const MAX_HEAP_SHARE = 0.85

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a route answers while the server sheds load, in place of the 503. */
    answerOverload?: (reply: FastifyReply) => void
    /** Answered as ever, even then: costs little, and nobody would ask for it again. */
    isSpared?: boolean
  }
}

/** Answers 503 in an instant while the event loop or the memory is at its end, so that what was taken keeps its pace. */
export async function shedLoad(app: FastifyInstance, onShed: () => void): Promise<void> {
  let hasStarted = false
  await app.register(underPressure, {
    maxEventLoopDelay: MAX_LOOP_DELAY_MS,
    maxHeapUsedBytes: getHeapStatistics().heap_size_limit * MAX_HEAP_SHARE,
    sampleInterval: SAMPLE_MS,
    pressureHandler: (request, reply) => {
      const { answerOverload, isSpared } = request.routeOptions.config
      if (!hasStarted || isSpared === true) return
      onShed()
      if (answerOverload === undefined) sendError(reply, 'overloaded')
      else answerOverload(reply)
    }
  })
  // The first sample says how long the start has kept the event loop, and stands until the second: no overload.
  const afterSample = (next: () => void): unknown => setTimeout(next, SAMPLE_MS).unref()
  afterSample(() => afterSample(() => (hasStarted = true)))
}
