import { settingsUrl } from '../../client/address.ts'
import { basicAuthorization } from '../../client/authorization.ts'
import { certificateTrouble, fetchFailureReason } from '../../client/fetch-failure.ts'
import type { Config } from '../../config/env/config.ts'
import type { KeyedTributaryFile } from '../../model/tributary-file.ts'
import type { ParsedArguments } from '../command.ts'
import { readableKey } from '../keys/keys-file.ts'
import { adminUrl, trackingUrl } from '../server-address.ts'
import { askPreflight, judgePreflights, originsToTry } from './cors.ts'
import type { Finding } from './finding.ts'
import { checkFromOutside } from './from-outside.ts'

const TIMEOUT_MS = 3_000
const MAX_CLOCK_GAP_MS = 5_000

const ONLY_DIGESTS: Finding = {
  level: 'note',
  area: 'server',
  says: 'the configuration has only digests of keys: the server was not asked whether it knows them, and no event was sent',
  todo: 'Name a key with --key.'
}

/** Checks the running server: whether it answers at the address of clients, knows the file's keys, allows pages, and is ready. */
export async function checkServer(
  config: Config,
  file: KeyedTributaryFile | undefined,
  given: ParsedArguments
): Promise<Finding[]> {
  const url = trackingUrl(given)
  const enabled = [...(file?.writeKeys ?? [])].filter(([, source]) => source.enabled)
  const named = given.texts['key']
  const key = named ?? readableKey(enabled.map(([entry]) => entry))
  try {
    const origins = originsToTry(config, file?.file.sources ?? [])
    const preflights = await Promise.all(origins.map(origin => askPreflight(url, origin)))
    const found = judgeClock(url, preflights[0]?.response)
    if (key !== undefined)
      found.push(...(await checkKey(url, key, named === undefined ? 'keys of this config file' : 'key of --key')))
    else if (enabled.length > 0) found.push(ONLY_DIGESTS)
    const isOutside = given.texts['url'] !== undefined && key !== undefined
    const outside = isOutside ? await checkFromOutside(url, key) : []
    return [...found, ...judgePreflights(url, preflights), ...outside, ...(await checkReady(adminUrl(given)))]
  } catch (error) {
    return [untrusted(url, error) ?? unreachable(url, whatSays(config, given), fetchFailureReason(error))]
  }
}

/**
 * Checks whether the server knows the key: first with the request that SDKs make before they send, which is not refused and so
 * does not appear in the debugger.
 */
async function checkKey(url: string, key: string, whose: string): Promise<Finding[]> {
  const settings = await fetch(settingsUrl(url, key), { signal: AbortSignal.timeout(TIMEOUT_MS) })
  const { integrations } = (await settings.json().catch(() => ({}))) as {
    integrations?: { 'Segment.io'?: { apiKey?: unknown } }
  }
  if (integrations?.['Segment.io']?.apiKey === key) {
    return [{ level: 'ok', area: 'server', says: `${url} answers and knows the key` }]
  }
  // An empty batch sends no event. It is refused for being empty only after the key was accepted.
  const response = await fetch(`${url}/v1/batch`, {
    method: 'POST',
    headers: { authorization: basicAuthorization(key) },
    body: '{"batch":[]}',
    signal: AbortSignal.timeout(TIMEOUT_MS)
  })
  const { code } = (await response.json().catch(() => ({}))) as { code?: string }
  return judgeRefusal(url, code, whose)
}

/** Why a server should be running at this address; undefined if nothing says so. */
function whatSays({ publicUrl }: Config, { texts }: ParsedArguments): string | undefined {
  if (texts['url'] !== undefined) return '--url'
  return publicUrl === undefined ? undefined : 'PUBLIC_URL'
}

/** A problem with the certificate, which says that a server runs there; undefined if there is none. */
function untrusted(url: string, error: unknown): Finding | undefined {
  const trouble = certificateTrouble(url, error)
  if (trouble === undefined) return undefined
  return {
    level: 'problem',
    area: 'server',
    ...trouble,
    todo: `${trouble.todo.replace(/^./, first => first.toUpperCase())}.`
  }
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

function judgeClock(url: string, response: Response | undefined): Finding[] {
  const theirs = Date.parse(response?.headers.get('date') ?? '')
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

function judgeRefusal(url: string, code: string | undefined, whose: string): Finding[] {
  if (code === 'empty_batch') {
    return [
      { level: 'ok', area: 'server', says: `${url} answers and knows the key` },
      {
        level: 'warning',
        area: 'server',
        says: `${url} does not serve the settings that browser and mobile SDKs ask for first`,
        todo: 'Let the proxy pass /v1/projects/ too.'
      }
    ]
  }
  if (code === 'write_key_unknown' || code === 'source_disabled') {
    return [
      {
        level: 'problem',
        area: 'server',
        says: `the server at ${url} does not know the ${whose} (${code})`,
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

async function checkReady(admin: string): Promise<Finding[]> {
  try {
    const response = await fetch(`${admin}/readyz`, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    const { problems } = (await response.json()) as { problems: string[] }
    const level = response.status === 200 ? 'warning' : 'problem'
    return problems.map(says => ({ level, area: 'server', says }) as const)
  } catch (error) {
    return [untrusted(admin, error) ?? []].flat()
  }
}
