import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { TokenUse } from '../http/caller/authenticate.ts'
import type { ErrorCode } from '../model/errors.ts'
import type { TributaryFile } from '../model/tributary-file.ts'
import type { KnownToken, TokenCacheOptions } from './token-cache.ts'
import { TokenCache } from './token-cache.ts'

export interface TokenCheckOptions extends TokenCacheOptions {
  /** The tributary.yml in force: the same object until anything in it changes. */
  readonly file: () => TributaryFile
  /** The source's key that only this process has: events that the server sends to itself need no token. */
  readonly privateKey: (sourceId: string) => string
}

/** Checks the tokens of requests. */
export interface TokenCheck {
  /** Verifies the token in the head of each request, if any source uses tokens. */
  watch(app: FastifyInstance): void
  /** Why a source refuses a request for its token, or for the lack of one; undefined if it does not. */
  refusal(request: FastifyRequest, use: TokenUse): ErrorCode | undefined
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The verified Bearer token, or the code of its fault; undefined without a token. */
    token: KnownToken | ErrorCode | undefined
  }
}

const MAX_TOKEN_CHARS = 8 * 1024
const BEARER = /^[ \t]*bearer[ \t]+([!-~]+)[ \t]*$/i
/** A compact JWS (RFC 7515, 7.1), signed or not. */
const JWT = /^[\w-]+\.[\w-]*\.[\w-]*$/

export function createTokenCheck(options: TokenCheckOptions): TokenCheck {
  const { file, privateKey } = options
  const cache = new TokenCache(options)
  let asked: { readonly file: TributaryFile; readonly isAsked: boolean } | undefined

  /** Whether any source uses tokens; computed once for each version of the file. */
  function isAsked(): boolean {
    const current = file()
    if (asked?.file !== current) {
      asked = { file: current, isAsked: current.sources.some(({ oauth }) => oauth !== undefined) }
    }
    return asked.isAsked
  }

  function look(request: FastifyRequest, _reply: unknown, done: () => void): void {
    const { authorization } = request.raw.headers
    const token = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1]
    if (token === undefined) return done()
    const found = lookUp(token)
    if (!(found instanceof Promise)) {
      request.token = found
      return done()
    }
    void settle(found, request, done)
  }

  function lookUp(token: string): ReturnType<TokenCache['find']> {
    // Happens only if an edit comes into force while the body arrives: the client must send the request again.
    if (!isAsked()) return 'unavailable'
    return token.length > MAX_TOKEN_CHARS || !JWT.test(token) ? 'token_invalid' : cache.find(token)
  }

  return {
    watch(app) {
      app.decorateRequest('token', undefined)
      app.addHook('onRequest', look)
    },
    refusal({ token, headKeys }, { source, writeKey }) {
      if (source.oauth === undefined || privateKey(source.id) === writeKey) return undefined
      // Some SDKs send the write key as a Bearer token.
      const isKey = token === 'token_invalid' && headKeys.some(({ key }) => key === writeKey)
      if (token === undefined || isKey) return source.oauth === 'required' ? 'token_missing' : undefined
      return typeof token === 'string' ? token : token.refusal(file(), source.id)
    }
  }
}

async function settle(
  found: Promise<KnownToken | ErrorCode>,
  request: FastifyRequest,
  done: () => void
): Promise<void> {
  try {
    request.token = await found
  } catch (error) {
    request.log.error({ problem: (error as Error).message }, 'a token could not be checked')
    request.token = 'internal_error'
  }
  done()
}
