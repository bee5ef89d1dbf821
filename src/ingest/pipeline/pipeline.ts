import { isSinkUnavailable } from '../../model/sink.ts'
import type { Answer } from './answer.ts'
import { faultAnswer, rateLimitedAnswer, unavailableAnswer } from './answer.ts'
import type { RefusedBody } from './body-keeper.ts'
import { createBodyKeeper } from './body-keeper.ts'
import type { IngestRequest, PipelineOptions } from './contract.ts'
import { judgeEnvelope } from '../judge/judge.ts'
import type { RequestSignals } from '../govern/governance.ts'
import { RequestWork } from './request-work.ts'

/** The path of an event from the parsed body on: validate, dedupe, enrich, route, publish, answer. */
export interface Pipeline {
  /**
   * Each event of the request has its one outcome when this resolves. Never rejects for what a client can send, nor
   * for a sink that is unavailable; only for a bug, and then nothing was taken.
   */
  ingest(request: IngestRequest): Promise<Answer>
  /**
   * A body that cannot be split into events is kept with its reason, within the rate of its source: the answer is that
   * reason, or why the request must come again. Rejects as ingest() does.
   */
  refuse(body: RefusedBody): Promise<Answer>
}

export function createPipeline(options: PipelineOptions): Pipeline {
  const { judge, ledger, rateLimiter } = options
  const bodies = createBodyKeeper(options)

  /** What a body without events takes of its source's rate: as much as events of the largest size would. */
  function eventsWorth({ length }: Buffer): number {
    return Math.max(1, Math.ceil(length / judge.limits.maxEventBytes))
  }

  async function keep(body: RefusedBody): Promise<Answer> {
    try {
      await bodies.keep(body)
    } catch (error) {
      if (!isSinkUnavailable(error)) throw error
      return { ...unavailableAnswer(error.message, error.retryAfterSeconds), refused: 'unavailable' }
    }
    return { ...faultAnswer(body.fault), refused: body.fault.code }
  }

  return {
    async ingest(given) {
      const governor = options.governance?.of(given.source, given.signals ?? NO_SIGNALS)
      const request = governor === undefined ? given : { ...given, address: governor.address(given.address) }
      const { body, endpoint, path, source, writeKey, traceparent } = request
      const { bytes, events } = body
      const work = new RequestWork(optionsFor(request, options), request, governor)
      const seconds = rateLimiter.take(source, events.length === 0 ? eventsWorth(bytes) : events.length)
      if (seconds > 0) {
        work.rejectForRate()
        return rateLimitedAnswer(seconds)
      }
      if (body.isRepaired) ledger.batchRepaired(source.id)
      const shared = judgeEnvelope(judge, body)
      if (shared === undefined || events.length > 0) return work.run(shared)
      // Of an empty batch there is nothing to keep.
      if (shared.code === 'empty_batch') return { ...faultAnswer(shared), refused: shared.code }
      return keep({ bytes, isComplete: true, fault: shared, endpoint, path, source, writeKey, traceparent })
    },
    async refuse(body) {
      const seconds = rateLimiter.take(body.source, eventsWorth(body.bytes))
      return seconds > 0 ? { ...rateLimitedAnswer(seconds), refused: 'rate_limited' } : keep(body)
    }
  }
}

const NO_SIGNALS: RequestSignals = {}

/** The same for all sources but those that have limits of their own. */
function optionsFor({ limits }: IngestRequest, options: PipelineOptions): PipelineOptions {
  const { judge } = options
  return limits === undefined || limits === judge.limits ? options : { ...options, judge: { ...judge, limits } }
}
