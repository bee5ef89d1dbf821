import { hash, timingSafeEqual } from 'node:crypto'
import basicAuth from '@fastify/basic-auth'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Audit } from '../../model/operations/audit.ts'
import { isLoopback } from './loopback.ts'
import { errorAnswer } from '../query.ts'
import { createSessions, SESSION_SECONDS } from './sessions.ts'
import { createThrottle } from './throttle.ts'

export interface AccessOptions {
  /** Undefined: no password; the debugger is then open on a loopback address and off on any other. */
  readonly password: (() => string) | undefined
  /** The address that the admin listener is bound to. */
  readonly host: string
  /** Monotonic milliseconds. */
  readonly monotonic: () => number
  readonly audit: Audit
}

/** Who may look at the debugger and its API. */
export interface Access {
  readonly mode: 'open' | 'password' | 'off'
  /** The name that audit entries have for a person with access. */
  readonly who: string
  /** A Fastify hook for the API. Answers the request itself if it has no access. */
  api(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined>
  /** Whether the page may be shown, or the reason why not. */
  page(request: FastifyRequest): 'yes' | 'login' | 'off' | 'rebound'
  /** Starts a session if the password is right. Otherwise returns the seconds to wait before the next attempt; 0: none. */
  logIn(request: FastifyRequest, reply: FastifyReply, password: string): { ok: true } | { ok: false; wait: number }
  logOut(request: FastifyRequest, reply: FastifyReply): void
}

const USER = 'admin'
const WRONG = 'a wrong user name or password was given'
const COOKIE = 'tributary_session'
/** The header of a proxy that TRUST_PROXY need not trust: a client that forges it only makes its own cookie stricter. */
const HTTPS_IN_FRONT = /^[ \t]*https[ \t]*(?:,|$)/i
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/** Accepts Basic credentials of the user `admin`, and sessions of the login form. Limits the rate of wrong passwords for both. */
export async function createAccess(app: FastifyInstance, options: AccessOptions): Promise<Access> {
  const { password, monotonic, audit } = options
  const mode = password !== undefined ? 'password' : isLoopback(options.host) ? 'open' : 'off'
  const sessions = createSessions(monotonic)
  const throttle = createThrottle(monotonic)
  const isRight = createComparison(password ?? (() => ''), sessions.endAll)

  await app.register(basicAuth, {
    validate: async (user, given, request) => {
      // Compares both, whatever the first result is, so that the time taken reveals nothing.
      if (isRight(given) && user === USER) return undefined
      throttle.failed(request.clientAddress)
      audit('login_failed', { who: 'unknown', from: request.clientAddress, what: WRONG })
      return new Error('wrong user name or password')
    },
    authenticate: false
  })

  const hasSession = (request: FastifyRequest): boolean => {
    isRight.refresh()
    const token = cookieOf(request)
    return token !== undefined && sessions.isValid(token)
  }
  const checkPassword = createPasswordCheck(app, { hasSession, wait: throttle.wait })

  return {
    mode,
    who: mode === 'password' ? USER : 'anybody: no ADMIN_PASSWORD is set',
    async api(request, reply) {
      reply.header('cache-control', 'no-store')
      if (mode === 'off') return refuse(reply, 403, 'debugger_off')
      if (mode === 'open' && !namesLoopback(request)) return refuse(reply, 403, 'host_not_allowed')
      if (!isSameSite(request)) return refuse(reply, 403, 'cross_site')
      return mode === 'open' ? undefined : checkPassword(request, reply)
    },
    page(request) {
      if (mode === 'off') return 'off'
      if (mode === 'open') return namesLoopback(request) ? 'yes' : 'rebound'
      return hasSession(request) ? 'yes' : 'login'
    },
    logIn(request, reply, given) {
      const wait = throttle.wait(request.clientAddress)
      if (mode !== 'password' || wait > 0) return { ok: false, wait }
      if (!isRight(given)) {
        throttle.failed(request.clientAddress)
        audit('login_failed', { who: 'unknown', from: request.clientAddress, what: WRONG })
        return { ok: false, wait: throttle.wait(request.clientAddress) }
      }
      setCookie(request, reply, { value: sessions.begin(), seconds: SESSION_SECONDS })
      audit('login', { who: USER, from: request.clientAddress, what: 'somebody logged in with the form' })
      return { ok: true }
    },
    logOut(request, reply) {
      const token = cookieOf(request)
      if (token !== undefined) sessions.end(token)
      setCookie(request, reply, { value: '', seconds: 0 })
    }
  }
}

/** Answers the request if it has neither a valid session nor the right password. */
function createPasswordCheck(
  app: FastifyInstance,
  { hasSession, wait }: { hasSession: (request: FastifyRequest) => boolean; wait: (address: string) => number }
): Access['api'] {
  return async (request, reply) => {
    if (hasSession(request)) return undefined
    const seconds = wait(request.clientAddress)
    if (seconds > 0) return refuse(reply.header('retry-after', String(seconds)), 429, 'too_many_failures')
    const failure = await new Promise<Error | undefined>(resolve => {
      app.basicAuth.call(app, request, reply, resolve)
    })
    if (failure === undefined) return undefined
    // A request by a script of the page must not open the browser's password dialog.
    const { 'sec-fetch-site': site, 'sec-fetch-mode': mode } = request.headers
    if (site === undefined || mode === 'navigate')
      reply.header('www-authenticate', 'Basic realm="tributary", charset="UTF-8"')
    return refuse(reply, 401, 'password_required')
  }
}

/** False for a page that was loaded from another host name that resolves to this machine (DNS rebinding): it gets nothing. */
function namesLoopback({ headers }: FastifyRequest): boolean {
  return isLoopback((headers.host ?? '').replace(/:\d+$/, ''))
}

/**
 * Whether the request cannot come from a page of another site. Browsers send the origin of a request in headers that pages
 * cannot set. Programs that are not browsers send no such header, and have no cookie that another site could use. The cookie
 * is also SameSite=Strict.
 */
export function isSameSite({ headers, method }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  const { origin, host, cookie } = headers
  if (origin !== undefined) return URL.canParse(origin) && new URL(origin).host === host
  return SAFE_METHODS.has(method) || cookie === undefined
}

const MESSAGES = {
  debugger_off: 'the debugger is off: set ADMIN_PASSWORD, or bind ADMIN_HOST to a loopback address',
  host_not_allowed: 'without ADMIN_PASSWORD the debugger answers only to localhost and loopback addresses',
  cross_site: 'requests from pages of other sites are refused',
  password_required: 'the user admin and the right password are needed',
  too_many_failures: 'too many wrong passwords: wait a little'
} as const

function refuse(reply: FastifyReply, status: number, code: keyof typeof MESSAGES): FastifyReply {
  return reply.code(status).send(errorAnswer(code, MESSAGES[code]))
}

interface Comparison {
  (given: string): boolean
  /** Checks whether the secret has changed. */
  refresh(): void
}

/** Compares digests, so that the time taken reveals neither the content nor the length of the secret. */
function createComparison(secret: () => string, onChange: () => void): Comparison {
  const digest = (text: string): Buffer => hash('sha256', text, 'buffer')
  let known = secret()
  let expected = digest(known)
  function refresh(): void {
    const now = secret()
    if (now === known) return
    known = now
    expected = digest(now)
    onChange()
  }
  const isRight = (given: string): boolean => {
    refresh()
    return timingSafeEqual(digest(given), expected)
  }
  return Object.assign(isRight, { refresh })
}

function cookieOf({ headers }: FastifyRequest): string | undefined {
  for (const part of (headers.cookie ?? '').split(';')) {
    const [name, value] = part.trim().split('=', 2)
    if (name === COOKIE && value !== undefined && value !== '') return value
  }
  return undefined
}

function setCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  { value, seconds }: { value: string; seconds: number }
) {
  const isSecure =
    request.clientProtocol === 'https' || HTTPS_IN_FRONT.test(String(request.headers['x-forwarded-proto']))
  const flags = `Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${isSecure ? '; Secure' : ''}`
  reply.header('set-cookie', `${COOKIE}=${value}; ${flags}`)
}
