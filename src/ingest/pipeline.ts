import { errorBody } from '../model/errors.ts'
import type { Answer } from './answer.ts'
import { faultAnswer } from './answer.ts'
import type { IngestRequest, PipelineOptions } from './contract.ts'
import { judgeEnvelope } from './judge.ts'
import { RequestWork } from './request-work.ts'

/** The path of an event from the parsed body on: validate, dedupe, enrich, route, publish, answer. */
export interface Pipeline {
  /**
   * Each event of the request has its one outcome when this resolves. Never rejects for what a client can send, nor
   * for a sink that is unavailable; only for a bug, and then nothing was taken.
   */
  ingest(request: IngestRequest): Promise<Answer>
}

export function createPipeline(options: PipelineOptions): Pipeline {
  return {
    async ingest(request) {
      const { body, source } = request
      const work = new RequestWork(options, request)
      const seconds = options.rateLimiter.take(source, body.events.length)
      if (seconds > 0) {
        work.holdBack()
        return { status: 429, body: errorBody('rate_limited'), retryAfterSeconds: seconds }
      }
      if (body.isRepaired) options.ledger.batchRepaired(source.id)
      const shared = judgeEnvelope(options.judge, body)
      if (shared !== undefined && body.events.length === 0) return { ...faultAnswer(shared), refused: shared.code }
      return work.run(shared)
    }
  }
}
