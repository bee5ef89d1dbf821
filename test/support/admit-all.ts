import type { Authenticator } from '../../src/http/caller/authenticate.ts'
import type { Source } from '../../src/model/source.ts'
import { KEY } from './app.ts'

/** Accepts every request as one of `source`, for tests of the code behind the check of keys. */
export function admitAll(source: Source): Authenticator {
  const admitted = { ok: true, source, writeKey: KEY } as const
  return { known: () => admitted, authenticate: () => admitted }
}
