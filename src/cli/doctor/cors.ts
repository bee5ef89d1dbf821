import type { Config } from '../../config/env/config.ts'
import type { Source } from '../../model/source.ts'
import type { TributaryFile } from '../../model/tributary-file.ts'
import { counted } from '../counted.ts'
import type { Finding } from './finding.ts'

const TIMEOUT_MS = 3_000
const MAX_SHOWN_ORIGINS = 5
const MAX_PREFLIGHTS = 10

/** Says for each source which pages may send with its keys, and what CORS_ORIGINS adds to that. Equal sources share a line. */
export function checkOrigins({ corsOrigins }: Pick<Config, 'corsOrigins'>, { sources }: TributaryFile): Finding[] {
  const enabled = sources.filter(source => source.enabled)
  const groups = Map.groupBy(enabled, ({ allowedOrigins }) => JSON.stringify(allowedOrigins ?? null))
  return [...groups.values()].flatMap(equal => findingsOf(equal, corsOrigins))
}

function findingsOf(equal: readonly Source[], corsOrigins: Config['corsOrigins']): Finding[] {
  const ids = equal.map(({ id }) => id).join(', ')
  const subject = `${equal.length === 1 ? 'source' : 'sources'} ${ids}`
  const allowed = equal[0]?.allowedOrigins
  if (allowed === undefined) {
    const readers =
      corsOrigins === '*'
        ? 'CORS_ORIGINS=* lets all of them read the answers'
        : `only those of CORS_ORIGINS (${listed(corsOrigins)}) and of any allowedOrigins may read the answers`
    return [{ level: 'ok', area: 'CORS', says: `${subject}: pages of any origin may send; ${readers}` }]
  }
  const says = `${subject}: only pages of ${listed(allowed)} may send and read the answers`
  const refused = corsOrigins === '*' ? [] : corsOrigins.filter(origin => !allowed.includes(origin))
  if (refused.length === 0) return [{ level: 'ok', area: 'CORS', says }]
  return [
    { level: 'ok', area: 'CORS', says },
    {
      level: 'note',
      area: 'CORS',
      says: `${subject}: pages of ${listed(refused)} are refused with 403, although CORS_ORIGINS names them`,
      todo: 'If these pages send with its keys, add their origins to allowedOrigins.'
    }
  ]
}

function listed(origins: readonly string[]): string {
  const more = origins.length - MAX_SHOWN_ORIGINS
  return `${origins.slice(0, MAX_SHOWN_ORIGINS).join(', ')}${more > 0 ? ` and ${counted(more, 'other origin')}` : ''}`
}

/** An origin of each source, or of CORS_ORIGINS, that the running server should allow. */
export function originsToTry({ corsOrigins }: Config, sources: readonly Source[]): string[] {
  const anywhere = corsOrigins === '*' ? 'https://example.com' : corsOrigins[0]
  const ofSources = sources
    .filter(({ enabled }) => enabled)
    .map(({ allowedOrigins }) => allowedOrigins?.[0] ?? anywhere)
  const named = ofSources.length === 0 ? [anywhere] : ofSources
  return [...new Set(named.filter(origin => origin !== undefined))].slice(0, MAX_PREFLIGHTS)
}

export interface Preflight {
  readonly origin: string
  readonly response: Response
}

/** Sends the CORS preflight request of a browser. */
export async function askPreflight(url: string, origin: string): Promise<Preflight> {
  const headers = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' }
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  return { origin, response: await fetch(`${url}/v1/t`, { method: 'OPTIONS', headers, signal }) }
}

export function judgePreflights(url: string, preflights: readonly Preflight[]): Finding[] {
  const refused = preflights.filter(({ origin, response }) => {
    const allowed = response.headers.get('access-control-allow-origin')
    return allowed !== '*' && allowed !== origin
  })
  if (refused.length === 0) {
    const says = `the server at ${url} lets pages of ${listed(preflights.map(({ origin }) => origin))} read its answers`
    return [{ level: 'ok', area: 'CORS', says }]
  }
  return [
    {
      level: 'warning',
      area: 'CORS',
      says: `the server at ${url} does not let pages of ${listed(refused.map(({ origin }) => origin))} read its answers`,
      todo: 'Check CORS_ORIGINS, and whether a proxy removes the header Access-Control-Allow-Origin.'
    }
  ]
}
