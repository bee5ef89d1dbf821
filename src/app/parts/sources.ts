import { parseTributaryFile } from '../../config/file/tributary-file.ts'
import { checkHashKey } from '../../governance/privacy/check-hash-key.ts'
import { createAuthenticator } from '../../http/caller/authenticate.ts'
import { checkTopics } from '../../ingest/route/topic-conflicts.ts'
import { topicNames } from '../topic-names.ts'
import { openKeys } from './fleet.ts'
import { openOAuth } from './oauth.ts'
import type { Base } from './base.ts'
import { VERSION } from './base.ts'

export type Sources = Awaited<ReturnType<typeof openSources>>

/** Creates the parts that authenticate a request: the write keys of tributary.yml, tokens, and the authenticator. */
export async function openSources(base: Base) {
  const { config, live, logger, clock, audit } = base
  // A file is parsed several times at a start, and again with every edit.
  const warned = new Set<string>()
  const warnOnce = (problem: string): void => {
    if (!warned.has(problem)) logger.warn(problem)
    warned.add(problem)
  }
  const parse = checkTopics(checkHashKey(parseTributaryFile, config.privacyHashKey), topicNames(config), warnOnce)
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
