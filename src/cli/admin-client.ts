import { readEnvironment } from '../config/environment.ts'
import { CommandFailed } from './command.ts'
import type { ParsedArguments } from './command.ts'

export const ADMIN_OPTION = { admin: { type: 'string' } } as const

export const ADMIN_HELP = `  --admin URL     the server's admin listener (default: as ADMIN_HOST and ADMIN_PORT say); the password is ADMIN_PASSWORD`

/** Asks a running server's debugger API. */
export interface AdminClient {
  readonly url: string
  /** Throws CommandFailed where the server cannot be reached or says no. */
  get(path: string): Promise<Response>
}

const ANY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

export function adminClient({ texts }: ParsedArguments): AdminClient {
  const config = readEnvironment()
  const host = ANY_ADDRESS.has(config.adminHost) ? '127.0.0.1' : config.adminHost
  const scheme = config.tls === undefined ? 'http' : 'https'
  const bracketed = host.includes(':') ? `[${host}]` : host
  const url = (texts['admin'] ?? `${scheme}://${bracketed}:${config.adminPort}`).replace(/\/+$/, '')
  const credentials = Buffer.from(`admin:${config.adminPassword ?? ''}`).toString('base64')
  const headers: Record<string, string> =
    config.adminPassword === undefined ? {} : { authorization: `Basic ${credentials}` }
  return {
    url,
    async get(path) {
      let response: Response
      try {
        response = await fetch(`${url}${path}`, { headers })
      } catch (error) {
        throw new CommandFailed(
          `${url} cannot be reached (${reason(error)}): is the server running? --admin says where`
        )
      }
      if (response.ok) return response
      const { message = '' } = (await response.json().catch(() => ({}))) as { message?: string }
      const hint = response.status === 401 ? '; set ADMIN_PASSWORD to the password of the server' : ''
      throw new CommandFailed(`${url} answered ${response.status}: ${message}${hint}`)
    }
  }
}

/** What a failed fetch says, in one line. */
export function reason(error: unknown): string {
  const { cause } = error as Error
  const inner = cause as (Error & { code?: string }) | undefined
  return inner?.code ?? inner?.message ?? (error as Error).message
}
