import { parseTributaryFile } from '../../config/file/tributary-file.ts'
import { checkHashKey } from '../../governance/privacy/check-hash-key.ts'
import { createAuthenticator } from '../../http/caller/authenticate.ts'
import { openKeys } from './fleet.ts'
import type { Base } from './base.ts'
import { VERSION } from './base.ts'

export type Sources = Awaited<ReturnType<typeof openSources>>

/** Who may send: the write keys of tributary.yml, and the check of a request's credentials. */
export async function openSources({ config, live, logger, clock, audit }: Base) {
  const parse = checkHashKey(parseTributaryFile, config.privacyHashKey)
  const { fleet, keys, isBehind } = await openKeys(config, {
    parse,
    version: VERSION,
    log: logger,
    kafka: live.kafka,
    audit
  })
  return { fleet, keys, authenticator: createAuthenticator({ keys, isBehind, monotonic: clock.monotonic }) }
}
