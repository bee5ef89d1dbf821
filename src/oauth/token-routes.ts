import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { BodyBudget } from '../http/body/body-budget.ts'
import type { GuardedBody } from '../http/body/body-guard.ts'
import { readBody } from '../http/body/body-guard.ts'
import { createFailureLimit } from '../http/caller/failure-limit.ts'
import { withVersion } from '../http/paths.ts'
import { JSON_TYPE } from '../http/replies.ts'
import type { TokenErrorCode, TokenOutcome } from '../model/oauth/token-errors.ts'
import { TOKEN_ERRORS } from '../model/oauth/token-errors.ts'
import { audiencesOf } from './audiences.ts'
import type { SigningKeys } from './signing-keys.ts'
import type { TokenAnswer, TokenEndpoint } from './token-endpoint.ts'
import { outcomeOf } from './token-endpoint.ts'
import { isForm } from './token-request.ts'

export interface TokenRoutesOptions {
  readonly endpoint: TokenEndpoint
  readonly keys: SigningKeys
  /** PUBLIC_URL; undefined: the address of each request. */
  readonly publicUrl: string | undefined
  readonly budget: BodyBudget
  readonly now: () => number
  readonly monotonic: () => number
  readonly onOutcome: (outcome: TokenOutcome) => void
}

/** Enough for a form with an assertion of 8 KiB. */
const MAX_FORM_BYTES = 16 * 1024
/** How long clients may cache the public keys. */
const JWKS_MAX_AGE_SECONDS = 300
const SLOW_DOWN_SECONDS = 60
const RETRY_SECONDS = 1

/** Registers `POST /token`, and the route of the public keys that verify tokens. */
export function registerTokenRoutes(app: FastifyInstance, options: TokenRoutesOptions): void {
  const limit = createFailureLimit(options.monotonic)

  function send(reply: FastifyReply, answer: TokenAnswer | TokenErrorCode): void {
    options.onOutcome(outcomeOf(answer))
    // SDKs correct their clock by the header Date, so it must come from the clock that checks assertions.
    reply.header('date', new Date(options.now()).toUTCString()).header('content-type', JSON_TYPE)
    reply.header('cache-control', 'no-store').header('pragma', 'no-cache')
    if (typeof answer !== 'string') return void reply.send(JSON.stringify(answer))
    const { status, error, description } = TOKEN_ERRORS[answer]
    const waitSeconds = status === 429 ? SLOW_DOWN_SECONDS : RETRY_SECONDS
    if (status === 429 || status === 503) reply.header('retry-after', String(waitSeconds))
    if (status === 429) reply.header('x-ratelimit-reset', String(waitSeconds))
    reply.code(status).send(JSON.stringify({ error, error_description: description }))
  }

  async function answerForm(body: GuardedBody, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const address = request.clientAddress
    try {
      const isLate = !body.ok && body.fault === 'request_timeout'
      if (isLate) reply.header('connection', 'close')
      const answer = body.ok
        ? await options.endpoint(body.bytes, audiencesOf(request, options.publicUrl))
        : typeof body.fault === 'string'
          ? 'unavailable'
          : 'malformed'
      if (typeof answer === 'string' && TOKEN_ERRORS[answer].status !== 503) limit.failed(address)
      send(reply, answer)
    } finally {
      options.budget.release(body.bytes.length)
    }
  }

  const config = { answerOverload: (reply: FastifyReply) => send(reply, 'overloaded') }
  for (const path of withVersion(['/token'])) {
    app.post(path, { config }, (request, reply) => {
      const { headers } = request.raw
      if (limit.isReached(request.clientAddress)) return send(reply, 'too_many')
      const isPlain = (headers['content-encoding'] ?? 'identity').toLowerCase() === 'identity'
      if (!isPlain || !isForm(headers['content-type'])) return send(reply, 'content_type')
      const guard = {
        encoding: 'identity',
        limit: MAX_FORM_BYTES,
        limitName: 'a form',
        budget: options.budget
      } as const
      readBody(request.raw, guard, body => void answerForm(body, request, reply))
    })
  }
  app.get('/.well-known/jwks.json', { config: { exemptFromLoadShedding: true } }, async (_request, reply) => {
    const set = await options.keys.publish()
    reply.header('content-type', JSON_TYPE).header('cache-control', `public, max-age=${JWKS_MAX_AGE_SECONDS}`)
    return reply.send(JSON.stringify(set))
  })
}
