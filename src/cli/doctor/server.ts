import type { Config } from '../../config/config.ts'
import type { KeyedTributaryFile } from '../../model/tributary-file.ts'
import { reason } from '../admin-client.ts'
import type { ParsedArguments } from '../command.ts'
import { adminUrl, trackingUrl } from '../server-address.ts'
import type { Finding } from './finding.ts'

const TIMEOUT_MS = 3_000
const MAX_CLOCK_GAP_MS = 5_000

/** Whether a server answers where clients would send to, knows the keys of this file, lets pages send, and what it says of itself. */
export async function checkServer(
  config: Config,
  file: KeyedTributaryFile | undefined,
  given: ParsedArguments
): Promise<Finding[]> {
  const url = trackingUrl(given)
  // An empty batch is refused with a reason of its own, after the key was looked at: nothing is sent.
  const [key, source] = [...(file?.writeKeys ?? [])].find(([, { enabled }]) => enabled) ?? []
  let response: Response
  try {
    response = await fetch(`${url}/v1/batch`, {
      method: 'POST',
      headers: key === undefined ? {} : { authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}` },
      body: '{"batch":[]}',
      signal: AbortSignal.timeout(TIMEOUT_MS)
    })
  } catch (error) {
    return [unreachable(url, whatSays(config, given), reason(error))]
  }
  const { code } = (await response.json().catch(() => ({}))) as { code?: string }
  const found = [...judgeClock(url, response), ...judgeKey(url, key, code)]
  const origin = source?.allowedOrigins?.[0]
  return [...found, ...(await checkPreflight(url, origin)), ...(await checkReady(adminUrl(given)))]
}

/** Undefined where somebody only runs the doctor: no server needs to run. */
function whatSays({ publicUrl }: Config, { texts }: ParsedArguments): string | undefined {
  if (texts['url'] !== undefined) return '--url'
  return publicUrl === undefined ? undefined : 'PUBLIC_URL'
}

function unreachable(url: string, said: string | undefined, why: string): Finding {
  if (said === undefined) return { level: 'note', area: 'server', says: `no server runs at ${url} (${why})` }
  return {
    level: 'problem',
    area: 'server',
    says: `${said} (${url}) cannot be reached from here (${why})`,
    todo: `Check ${said}, DNS, the proxy, and whether the server runs.`
  }
}

function judgeClock(url: string, { headers }: Response): Finding[] {
  const theirs = Date.parse(headers.get('date') ?? '')
  if (Number.isNaN(theirs)) return []
  const gapMs = Date.now() - theirs
  if (Math.abs(gapMs) < MAX_CLOCK_GAP_MS)
    return [{ level: 'ok', area: 'clock', says: `this clock and that of ${url} agree` }]
  return [
    {
      level: 'problem',
      area: 'clock',
      says: `this clock and that of ${url} are ${Math.round(Math.abs(gapMs) / 1000)} s apart`,
      todo: 'Let NTP set both: receivedAt, timestamps and LOG_RETENTION depend on them.'
    }
  ]
}

function judgeKey(url: string, key: string | undefined, code: string | undefined): Finding[] {
  if (key === undefined) return []
  if (code === 'empty_batch') return [{ level: 'ok', area: 'server', says: `${url} answers and knows the key` }]
  if (code === 'write_key_unknown' || code === 'source_disabled') {
    return [
      {
        level: 'problem',
        area: 'server',
        says: `the server at ${url} does not know the keys of this config file (${code})`,
        todo: 'It runs with another CONFIG_FILE, or its last edit was broken and the log says so.'
      }
    ]
  }
  return [
    {
      level: 'problem',
      area: 'server',
      says: `what answers at ${url} is not Tributary`,
      todo: 'Check HOST, PORT and PUBLIC_URL, and where the proxy sends requests.'
    }
  ]
}

/** As a browser asks before a page may send. */
async function checkPreflight(url: string, origin = 'https://example.com'): Promise<Finding[]> {
  const headers = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' }
  const response = await fetch(`${url}/v1/t`, { method: 'OPTIONS', headers, signal: AbortSignal.timeout(TIMEOUT_MS) })
  const allowed = response.headers.get('access-control-allow-origin')
  if (allowed === '*' || allowed === origin) return [{ level: 'ok', area: 'CORS', says: `pages of ${origin} may send` }]
  return [
    {
      level: 'warning',
      area: 'CORS',
      says: `the server at ${url} does not let pages of ${origin} read its answers`,
      todo: 'Check CORS_ORIGINS, and whether a proxy removes the header Access-Control-Allow-Origin.'
    }
  ]
}

async function checkReady(admin: string): Promise<Finding[]> {
  try {
    const response = await fetch(`${admin}/readyz`, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    const { problems } = (await response.json()) as { problems: string[] }
    const level = response.status === 200 ? 'warning' : 'problem'
    return problems.map(says => ({ level, area: 'server', says }) as const)
  } catch {
    return []
  }
}
