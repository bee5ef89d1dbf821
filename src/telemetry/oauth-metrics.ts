import type { ErrorCode } from '../model/errors.ts'
import type { TokenOutcome } from '../model/oauth/token-errors.ts'
import type { Tally } from './tally.ts'

/** The metrics of tokens, a part of METRICS. */
export const OAUTH_METRICS = {
  tokensAsked: {
    kind: 'counter',
    name: 'tributary_oauth_token_requests_total',
    help: 'Requests for OAuth tokens (POST /token): issued, or why not.',
    labels: ['outcome']
  },
  tokensVerified: {
    kind: 'counter',
    name: 'tributary_oauth_verifications_total',
    help: 'Signatures of OAuth tokens that were checked, once for each token: good, or the code of the refusal. Requests that were refused are in tributary_requests_refused_total.',
    labels: ['outcome']
  }
} as const

export function countTokens({ asked, verified }: { readonly asked: Tally; readonly verified: Tally }) {
  return {
    tokenAnswered(outcome: TokenOutcome): void {
      asked.add([outcome], 1)
    },
    tokenVerified(outcome: 'good' | ErrorCode): void {
      verified.add([outcome], 1)
    }
  }
}
