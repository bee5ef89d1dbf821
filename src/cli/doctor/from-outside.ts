import { randomUUID } from 'node:crypto'
import { isIP } from 'node:net'
import { settingsUrl } from '../../client/address.ts'
import { basicAuthorization } from '../../client/authorization.ts'
import { fetchFailureReason } from '../../client/fetch-failure.ts'
import { isLoopback } from '../../debugger/access/loopback.ts'
import type { Finding } from './finding.ts'

const TIMEOUT_MS = 10_000
/** The length of a long pixel URL, within the limits of the server with the rest of the head. */
const LONG_URL_CHARS = 15_000
const JSON_TYPE = { 'content-type': 'application/json' }

/** Checks a server through the proxy in front of it, as an SDK would call it, and sends one event. Never rejects. */
export async function checkFromOutside(url: string, key: string): Promise<Finding[]> {
  const found: Finding[] = []
  for (const check of [checkSettings, checkLongUrl, checkEvent]) {
    found.push(
      ...(await check(url, key).catch((error: unknown) => [
        problem(`${url} did not answer as it should (${fetchFailureReason(error)})`, "See the proxy's log.")
      ]))
    )
  }
  return found
}

async function checkSettings(url: string, key: string): Promise<Finding[]> {
  const { status, json } = await ask(settingsUrl(url, key))
  const { apiHost, protocol = '' } = segmentPart(json)
  if (apiHost === undefined) return status === 200 ? [notOurs(`${url}/v1/projects/.../settings`)] : []
  const wanted = new URL(url)
  const [host = ''] = apiHost.split('/')
  const name = host.replace(/:\d+$/, '')
  const todo = `Set PUBLIC_URL=${wanted.origin}, or let the proxy send Host, X-Forwarded-Host and X-Forwarded-Proto and set TRUST_PROXY (docs/proxies.md).`
  if (isLoopback(name) && !isLoopback(wanted.hostname)) {
    return [problem(`the settings tell browsers to send to ${host}: each would send to its own machine`, todo)]
  }
  const isSame = host === wanted.host && (protocol === '' || `${protocol}:` === wanted.protocol)
  if (isSame) return [ok(`the settings tell SDKs to send to ${wanted.origin}`)]
  const advertised = protocol === '' ? host : `${protocol}://${host}`
  const hint = isIP(name) === 0 ? '' : ', an address'
  return [warning(`the settings tell SDKs to send to ${advertised}${hint}, not to ${wanted.origin}`, todo)]
}

/** Checks a long URL: a pixel has its event in the URL, and proxies refuse or cut long ones. */
async function checkLongUrl(url: string, key: string): Promise<Finding[]> {
  const { status } = await ask(`${settingsUrl(url, key)}?doctor=${'x'.repeat(LONG_URL_CHARS)}`)
  if (status === 200) return [ok(`a URL of ${LONG_URL_CHARS} characters passes, as pixels may have`)]
  const says = `a URL of ${LONG_URL_CHARS} characters is answered ${status}: a large event by pixel would be lost`
  return [
    warning(
      says,
      'Raise what the proxy allows (docs/proxies.md): large_client_header_buffers, LimitRequestLine, tune.bufsize.'
    )
  ]
}

async function checkEvent(url: string, key: string): Promise<Finding[]> {
  const messageId = `doctor-${randomUUID()}`
  const body = JSON.stringify({ userId: 'doctor', event: 'Doctor Checked', messageId })
  const { status, json } = await ask(`${url}/v1/track`, {
    method: 'POST',
    headers: { ...JSON_TYPE, authorization: basicAuthorization(key) },
    body
  })
  const { success, code } = (json ?? {}) as { success?: unknown; code?: unknown }
  if (status === 200 && success === true) return [ok(`an event arrives: messageId ${messageId}`)]
  if (status === 200) return [notOurs(`${url}/v1/track`)]
  if (code === 'write_key_missing') {
    return [
      problem(
        `the header Authorization does not arrive: every call of a server SDK is answered ${status}`,
        'Let the proxy pass it on (Squid: login=PASSTHRU), or take the key out of a rule that removes it.'
      )
    ]
  }
  const words = typeof code === 'string' ? `${status} ${code}` : `${status}, not by Tributary`
  return [problem(`an event is answered ${words}`, "See the proxy's log, and Rejections in the debugger.")]
}

interface Answer {
  readonly status: number
  /** Undefined if the body is not JSON. */
  readonly json: unknown
}

async function ask(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) })
  return { status: response.status, json: await response.json().catch(() => undefined) }
}

/** The address that the settings give to SDKs; empty if the answer is not from Tributary. */
function segmentPart(json: unknown): { readonly apiHost?: string; readonly protocol?: string } {
  const { integrations = {} } = (json ?? {}) as { integrations?: Record<string, object> }
  const { apiHost, protocol } = (Object.values(integrations)[0] ?? {}) as { apiHost?: unknown; protocol?: unknown }
  if (typeof apiHost !== 'string') return {}
  return { apiHost, ...(typeof protocol === 'string' ? { protocol } : {}) }
}

function notOurs(path: string): Finding {
  return problem(
    `${path} is answered 200, but not by Tributary: SDKs would take their events for safe, and they would be lost`,
    'Something in front answers for this name or path: Caddy answers an empty 200 for names that it has no site for (docs/proxies.md).'
  )
}

const ok = (says: string): Finding => ({ level: 'ok', area: 'proxy', says })
const warning = (says: string, todo: string): Finding => ({ level: 'warning', area: 'proxy', says, todo })
const problem = (says: string, todo: string): Finding => ({ level: 'problem', area: 'proxy', says, todo })
