import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { BodyBudget } from '../../http/body/body-budget.ts'
import { Claims } from '../../fleet/claims/claims.ts'
import type { Fleet } from '../../fleet/open.ts'
import type { FileKeyStore } from '../../keys/store/file-key-store.ts'
import type { TokenOutcome } from '../../model/oauth/token-errors.ts'
import { SigningKeys } from '../../oauth/signing-keys.ts'
import { createTokenCheck } from '../../oauth/token-check.ts'
import { createTokenEndpoint } from '../../oauth/token-endpoint.ts'
import { registerTokenRoutes } from '../../oauth/token-routes.ts'
import type { UsedIds } from '../../oauth/used-ids.ts'
import { openUsedIds, REMEMBERED_MS, shareUsedIds } from '../../oauth/used-ids.ts'
import type { Base } from './base.ts'

/** The issuer of tokens if PUBLIC_URL is not set. */
const NAMELESS_ISSUER = 'tributary'

/** Said once, with the first token. */
const OWN_KEY =
  'the other servers of the fleet do not know tokens of this server: give all of them the same OAUTH_SIGNING_KEY_FILE'

export interface OAuth {
  /** See TokenCheck. */
  readonly check: ReturnType<typeof createTokenCheck>
  /** Adds `POST /token` and the route of the public keys. */
  register(app: FastifyInstance, budget: BodyBudget): void
}

interface OAuthParts {
  readonly keys: FileKeyStore
  readonly isBehind: () => boolean
  /** Undefined if this server is in no fleet. */
  readonly fleet: Pick<Fleet, 'topics'> | undefined
}

/** Loads the library of JWTs (83 files), which only servers with tokens need. */
const loadVerification = () =>
  Promise.all([import('../../oauth/issuers/verify-issuer.ts'), import('../../oauth/verify.ts')])

/** Creates the OAuth part. It loads the library of JWTs with the first token, and reads and creates no key before the first token is requested or sent. */
export function openOAuth(base: Base, { keys, isBehind, fleet }: OAuthParts): OAuth {
  const { config, clock, logger, metrics } = base
  const { dir, keyFile } = config.oauth
  const { now, monotonic } = clock
  const { publicUrl } = config
  const issuer = publicUrl ?? NAMELESS_ISSUER
  const file = keyFile ?? join(dir, 'signing-keys.pem')
  const signing = new SigningKeys({ file, isGiven: keyFile !== undefined, monotonic, log: logger })
  const endpoint = createTokenEndpoint({
    apps: () => keys.current().apps ?? [],
    isBehind,
    keys: signing,
    usedIds: usedIdsOf(base, fleet),
    issuer,
    now,
    log: logger
  })
  const createVerify = async () => {
    const [{ createIssuerCheck }, { verifyOwnToken }] = await loadVerification()
    const checkIssued = createIssuerCheck({ file: keys.current, monotonic, now, log: logger })
    return async (token: string) =>
      (await checkIssued(token)) ?? verifyOwnToken(token, { keys: signing, issuer, isBehind, now })
  }
  let verify: ReturnType<typeof createVerify> | undefined
  return {
    check: createTokenCheck({
      file: keys.current,
      async verify(token) {
        const verified = await (await (verify ??= createVerify()))(token)
        metrics.tokenVerified(typeof verified === 'string' ? verified : 'good')
        return verified
      },
      privateKey: keys.privateKey,
      now
    }),
    register(app, budget) {
      let hasWarned = fleet === undefined || keyFile !== undefined
      const onOutcome = (outcome: TokenOutcome): void => {
        metrics.tokenAnswered(outcome)
        if (outcome !== 'issued' || hasWarned) return
        hasWarned = true
        logger.warn(OWN_KEY)
      }
      registerTokenRoutes(app, { endpoint, keys: signing, publicUrl, budget, now, monotonic, onOutcome })
    }
  }
}

/** The used ids of assertions, of this machine or of the whole fleet. */
function usedIdsOf({ config, clock: { monotonic }, logger }: Base, fleet: OAuthParts['fleet']): UsedIds {
  const own = openUsedIds(join(config.oauth.dir, 'used'), monotonic)
  if (fleet === undefined) return own
  const claims = new Claims({ topics: fleet.topics, keepMs: REMEMBERED_MS, monotonic })
  return shareUsedIds({ own, claim: digest => claims.claim(digest), log: logger })
}
