import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { BodyBudget } from '../../http/body/body-budget.ts'
import type { FileKeyStore } from '../../keys/store/file-key-store.ts'
import { SigningKeys } from '../../oauth/signing-keys.ts'
import { createTokenCheck } from '../../oauth/token-check.ts'
import { createTokenEndpoint } from '../../oauth/token-endpoint.ts'
import { registerTokenRoutes } from '../../oauth/token-routes.ts'
import { openUsedIds } from '../../oauth/used-ids.ts'
import { createIssuerCheck } from '../../oauth/issuers/verify-issuer.ts'
import { verifyOwnToken } from '../../oauth/verify.ts'
import type { Base } from './base.ts'

/** Who tokens are from, where PUBLIC_URL is not set. */
const NAMELESS_ISSUER = 'tributary'

export interface OAuth {
  /** See TokenCheck. */
  readonly check: ReturnType<typeof createTokenCheck>
  /** The routes that tokens are asked for at. */
  register(app: FastifyInstance, budget: BodyBudget): void
}

/** Tokens beside the write keys. Nothing is read or made before somebody asks for a token or sends one. */
export function openOAuth(base: Base, keys: FileKeyStore, isBehind: () => boolean): OAuth {
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
    usedIds: openUsedIds(join(dir, 'used'), monotonic),
    issuer,
    now,
    log: logger
  })
  const checkIssued = createIssuerCheck({ file: keys.current, monotonic, now, log: logger })
  return {
    check: createTokenCheck({
      file: keys.current,
      async verify(token) {
        const verified =
          (await checkIssued(token)) ?? (await verifyOwnToken(token, { keys: signing, issuer, isBehind, now }))
        metrics.tokenVerified(typeof verified === 'string' ? verified : 'good')
        return verified
      },
      privateKey: keys.privateKey,
      now
    }),
    register(app, budget) {
      const onOutcome = metrics.tokenAnswered
      registerTokenRoutes(app, { endpoint, keys: signing, publicUrl, budget, now, monotonic, onOutcome })
    }
  }
}
