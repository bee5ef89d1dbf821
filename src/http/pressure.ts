import { getHeapStatistics } from 'node:v8'
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'
import { sendError } from './replies.ts'

/** The mean over a sample: a single slow turn (a large batch, a collection of garbage) is no overload. */
const MAX_LOOP_DELAY_MS = 500
const SAMPLE_MS = 500
/** Of V8's own limit: beyond it a process spends its time collecting garbage, and then ends. */
const MAX_HEAP_SHARE = 0.85

/** Answers 503 in an instant while the event loop or the memory is at its end, so that what was taken keeps its pace. */
export async function shedLoad(app: FastifyInstance, onShed: () => void): Promise<void> {
  await app.register(underPressure, {
    maxEventLoopDelay: MAX_LOOP_DELAY_MS,
    maxHeapUsedBytes: getHeapStatistics().heap_size_limit * MAX_HEAP_SHARE,
    sampleInterval: SAMPLE_MS,
    pressureHandler: (_request, reply) => {
      onShed()
      sendError(reply, 'overloaded')
    }
  })
}
