import { parseTributaryFile } from '../../config/file/tributary-file.ts'
import { checkViolationsTopic } from '../../governance/plans/events/check-topic.ts'
import { checkHashKey } from '../../governance/privacy/check-hash-key.ts'
import { createAuthenticator } from '../../http/caller/authenticate.ts'
import { openKeys } from './fleet.ts'
import { openOAuth } from './oauth.ts'
import type { Base } from './base.ts'
import { VERSION } from './base.ts'

export type Sources = Awaited<ReturnType<typeof openSources>>

/** Creates the parts that authenticate a request: the write keys of tributary.yml, tokens, and the authenticator. */
export async function openSources(base: Base) {
  const { config, live, logger, clock, audit } = base
  const parse = checkViolationsTopic(checkHashKey(parseTributaryFile, config.privacyHashKey), config)
  const { fleet, keys, isBehind } = await openKeys(config, {
    parse,
    version: VERSION,
    log: logger,
    kafka: live.kafka,
    audit
  })
  const oauth = openOAuth(base, { keys, isBehind, fleet })
  const { refusal: tokenRefusal } = oauth.check
  const authenticator = createAuthenticator({ keys, isBehind, tokenRefusal, monotonic: clock.monotonic })
  return { fleet, keys, oauth, authenticator }
}
