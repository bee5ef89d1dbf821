import { createPrivateKey, generateKeyPairSync, randomUUID } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { SignJWT } from 'jose'
import { TOKEN_ERRORS } from '../../src/model/oauth/token-errors.ts'
import type { Clock } from '../../src/model/clock.ts'

/** A key pair of an app. */
export interface TestKey {
  readonly kid: string
  readonly alg: 'RS256' | 'ES256' | 'EdDSA'
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly publicPem: string
  readonly privatePem: string
}

export function makeKey(kid: string, alg: TestKey['alg'] = 'RS256', bits = 2048): TestKey {
  const pair = {
    RS256: () => generateKeyPairSync('rsa', { modulusLength: bits }),
    ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    EdDSA: () => generateKeyPairSync('ed25519')
  }[alg]()
  const privatePem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const publicPem = pair.publicKey.export({ type: 'spki', format: 'pem' }) as string
  return { kid, alg, privateKey: createPrivateKey(privatePem), publicKey: pair.publicKey, publicPem, privatePem }
}

export interface TestApp {
  readonly id: string
  readonly keys: readonly TestKey[]
  readonly sources?: readonly string[]
  readonly scope?: string
  readonly ttl?: string
}

/** `apps` of a tributary.yml, which is JSON too. */
export function appEntries(apps: readonly TestApp[]): object[] {
  return apps.map(({ keys, ...app }) => ({
    ...app,
    publicKeys: keys.map(({ kid, publicPem }) => ({ kid, pem: publicPem }))
  }))
}

/** A clock that a test can move. */
export interface MovableClock extends Clock {
  /** Milliseconds. */
  jump(ms: number): void
}

/** @param start milliseconds since the epoch; default: the system's clock, which keeps running */
export function movableClock(start?: number): MovableClock {
  let jumped = 0
  return {
    now: () => (start ?? Date.now()) + jumped,
    monotonic: () => performance.now() + jumped,
    jump: ms => void (jumped += ms)
  }
}

/** The differences of an assertion from one of an SDK. */
export interface AssertionEdits {
  readonly header?: Readonly<Record<string, unknown>>
  /** A claim that is undefined is removed. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly signWith?: KeyObject
}

/**
 * An assertion as Segment's SDKs create it.
 *
 * @param nowSeconds the client's clock
 */
export async function assertionFor(
  { app, key, audience, nowSeconds }: { app: string; key: TestKey; audience: string; nowSeconds: number },
  { header, claims, signWith }: AssertionEdits = {}
): Promise<string> {
  const usual = { iss: app, sub: app, aud: audience, iat: nowSeconds - 5, exp: nowSeconds + 55, jti: randomUUID() }
  return new SignJWT({ ...usual, ...claims })
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT', ...header })
    .sign(signWith ?? key.privateKey)
}

/** Encoded parts of a JWT with any content. */
export function rawJwt(header: unknown, claims: unknown, signature = ''): string {
  const encode = (part: unknown): string =>
    Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
  return `${encode(header)}.${encode(claims)}.${signature}`
}

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** The body of a request for a token, not escaped, as the SDKs send it. */
export function tokenForm(assertion: string, scope = 'tracking_api:write'): string {
  return `grant_type=client_credentials&client_assertion_type=${ASSERTION_TYPE}&client_assertion=${assertion}&scope=${scope}`
}

export interface TokenAnswered {
  readonly status: number
  readonly headers: Headers
  readonly body: Readonly<Record<string, unknown>>
}

/** Repeats the request while a busy machine makes the server shed load. */
export async function askToken(
  url: string,
  form: string,
  headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded' }
): Promise<TokenAnswered> {
  for (;;) {
    const response = await fetch(`${url}/token`, { method: 'POST', body: form, headers })
    const body = (await response.json()) as TokenAnswered['body']
    if (body['error_description'] !== TOKEN_ERRORS.overloaded.description) {
      return { status: response.status, headers: response.headers, body }
    }
    await sleep(100)
  }
}

/**
 * Tries until one attempt was fast enough, because other processes share the machine, and the first call includes
 * compilation.
 */
const ATTEMPTS = 20
const QUICK_MS = 5

/** The least CPU time of the process, in milliseconds, over several attempts of an action. */
export async function leastCpuMs(act: () => Promise<void>): Promise<number> {
  let least = Infinity
  for (let attempt = 0; attempt < ATTEMPTS && least > QUICK_MS; attempt++) {
    const before = process.cpuUsage()
    await act()
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1000)
  }
  return least
}
