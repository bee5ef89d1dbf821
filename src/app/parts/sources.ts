import { parseTributaryFile } from '../../config/file/tributary-file.ts'
import { checkHashKey } from '../../governance/privacy/check-hash-key.ts'
import { createAuthenticator } from '../../http/caller/authenticate.ts'
import { createFileKeyStore } from '../../keys/store/file-key-store.ts'
import type { Base } from './base.ts'

export type Sources = Awaited<ReturnType<typeof openSources>>

/** Who may send: the write keys of tributary.yml, and the check of a request's credentials. */
export async function openSources({ config, logger, clock }: Base) {
  const parse = checkHashKey(parseTributaryFile, config.privacyHashKey)
  const keys = await createFileKeyStore({ file: config.configFile, parse, log: logger })
  return { keys, authenticator: createAuthenticator({ keys, monotonic: clock.monotonic }) }
}
