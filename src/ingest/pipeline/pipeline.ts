import { isSinkUnavailable } from '../../model/sink.ts'
import type { Answer } from './answer.ts'
import { faultAnswer, rateLimitedAnswer, unavailableAnswer } from './answer.ts'
import type { RefusedBody } from './refused-body-store.ts'
import { createRefusedBodyStore } from './refused-body-store.ts'
import type { IngestRequest, PipelineOptions } from './contract.ts'
import { judgeEnvelope } from '../judge/judge.ts'
import type { RequestSignals } from '../govern/governance.ts'
import { RequestWork } from './request-work.ts'

/** Processes events from the parsed body to the answer: judge, govern, dedupe, enrich, route, publish. */
export interface Pipeline {
  /**
   * Resolves when each event of the request has its one outcome. Rejects only for a bug, and then no event was accepted: an
   * invalid request and an unavailable sink give an answer.
   */
  ingest(request: IngestRequest): Promise<Answer>
  /**
   * Keeps a body that cannot be split into events, within the rate of its source. The answer names the fault of the body, or
   * tells the client to retry (429, 503). Rejects as ingest() does.
   */
  refuse(body: RefusedBody): Promise<Answer>
}

/** Creates the pipeline, which serves all requests of a process; calls may overlap. */
export function createPipeline(options: PipelineOptions): Pipeline {
  const { judge, ledger, rateLimiter } = options
  const bodies = createRefusedBodyStore(options)

  /** The tokens for a body without events: as many as if it consisted of events of the largest size. */
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
      // An empty batch has no events to keep.
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

/** The options of a request: for a source with limits of its own, the judge gets these limits. */
function optionsFor({ limits }: IngestRequest, options: PipelineOptions): PipelineOptions {
  const { judge } = options
  return limits === undefined || limits === judge.limits ? options : { ...options, judge: { ...judge, limits } }
}
