import { readEnvironment } from '../config/env/environment.ts'
import { CommandFailed } from './command.ts'
import type { ParsedArguments } from './command.ts'
import { adminUrl } from './server-address.ts'

/** Asks a running server's debugger API. */
export interface AdminClient {
  readonly url: string
  /** Throws ServerAway where the server cannot be reached or answers 5xx, CommandFailed where it says no. */
  get(path: string): Promise<Response>
}

/** The server cannot be reached, or not just now. */
export class ServerAway extends CommandFailed {}

export function adminClient(parsed: ParsedArguments): AdminClient {
  const config = readEnvironment()
  const url = adminUrl(parsed)
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
        throw new ServerAway(`${url} cannot be reached (${reason(error)}): is the server running? --admin says where`)
      }
      if (response.ok) return response
      const { message = '' } = (await response.json().catch(() => ({}))) as { message?: string }
      const hint = response.status === 401 ? '; set ADMIN_PASSWORD to the password of the server' : ''
      const Failure = response.status >= 500 ? ServerAway : CommandFailed
      throw new Failure(`${url} answered ${response.status}: ${message}${hint}`)
    }
  }
}

/** What a failed fetch says, in one line. */
export function reason(error: unknown): string {
  const { cause } = error as Error
  const inner = cause as (Error & { code?: string }) | undefined
  return inner?.code ?? inner?.message ?? (error as Error).message
}
