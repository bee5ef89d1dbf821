import { basicAuthorization } from '../client/authorization.ts'
import { describeFetchFailure } from '../client/fetch-failure.ts'
import { readEnvironment } from '../config/env/environment.ts'
import { CommandFailed } from './command.ts'
import type { ParsedArguments } from './command.ts'
import { adminUrl } from './server-address.ts'

/** A client of a running server's debugger API. */
export interface AdminClient {
  readonly url: string
  /**
   * Requests a path. Rejects with ServerUnreachable if the server cannot be reached, does not begin its answer in time or answers 5xx,
   * and with CommandFailed for any other status that is an error.
   *
   * @param waitMs how long the server may wait before it answers, in milliseconds
   */
  get(path: string, waitMs?: number): Promise<Response>
}

/** A server that does not answer within this time hangs, or is not a Tributary server. */
const ANSWER_MS = 30_000

/** The server cannot be reached, or cannot answer now. */
export class ServerUnreachable extends CommandFailed {}

export function adminClient(parsed: ParsedArguments): AdminClient {
  const config = readEnvironment()
  const url = adminUrl(parsed)
  const headers: Record<string, string> =
    config.adminPassword === undefined ? {} : { authorization: basicAuthorization('admin', config.adminPassword) }
  return {
    url,
    async get(path, waitMs = 0) {
      let response: Response
      const late = new AbortController()
      const timer = setTimeout(() => late.abort(new Error('it did not answer in time')), ANSWER_MS + waitMs)
      try {
        response = await fetch(`${url}${path}`, { headers, signal: late.signal })
      } catch (error) {
        throw new ServerUnreachable(describeFetchFailure(url, error, ': is the server running? --admin says where'))
      } finally {
        clearTimeout(timer)
      }
      if (response.ok) return response
      const { message = '' } = (await response.json().catch(() => ({}))) as { message?: string }
      const hint = response.status === 401 ? '; set ADMIN_PASSWORD to the password of the server' : ''
      const Failure = response.status >= 500 ? ServerUnreachable : CommandFailed
      throw new Failure(`${url} answered ${response.status}: ${message}${hint}`)
    }
  }
}
