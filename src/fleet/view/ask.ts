import { basicAuthorization } from '../../client/authorization.ts'
import type { Member } from '../members/member-list.ts'
import { MAX_ANSWER_BYTES } from '../workers/messages.ts'

const TIMEOUT_MS = 1_000

/** Makes a server answer only for itself. Its value is the name of that server. */
export const SCOPE_HEADER = 'x-tributary-server'

export interface MemberAnswer {
  readonly server: string
  /** The parsed JSON; undefined if there is a problem. */
  readonly body: unknown
  readonly problem: string | undefined
}

export interface AskOptions {
  /** ADMIN_PASSWORD: the same on all servers of a fleet. */
  readonly password: string | undefined
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** How long a member may take to answer. Default 1 s. */
  readonly timeoutMs?: number
}

/** Calls the admin listeners of all members at once. Never rejects: a member that does not answer in time has a problem. */
export async function askMembers(members: readonly Member[], options: AskOptions): Promise<MemberAnswer[]> {
  return await Promise.all(members.map(member => askOne(member, options)))
}

async function askOne({ name, adminUrl }: Member, options: AskOptions): Promise<MemberAnswer> {
  const { password, path, headers, timeoutMs = TIMEOUT_MS } = options
  const failed = (problem: string): MemberAnswer => ({ server: name, body: undefined, problem })
  try {
    const response = await fetch(`${adminUrl}${path}`, {
      headers: { ...headers, ...headersFor(name, password) },
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs)
    })
    const text = await readBounded(response)
    if (response.status === 401) return failed('another ADMIN_PASSWORD')
    if (response.status === 421) return failed(`${adminUrl} is another server: set ADMIN_URL`)
    if (!response.ok) return failed(`answered ${response.status}`)
    if (text === undefined) return failed(`answered more than ${MAX_ANSWER_BYTES} bytes`)
    return { server: name, body: JSON.parse(text), problem: undefined }
  } catch (error) {
    const { name: kind } = error as Error
    if (kind === 'TimeoutError') return failed(`no answer within ${timeoutMs / 1000} s`)
    return failed(kind === 'SyntaxError' ? `${adminUrl} answered no JSON` : `${adminUrl} cannot be reached`)
  }
}

/** Headers of a request to another server's admin listener, which that server answers for itself alone. */
export function headersFor(name: string, password: string | undefined): Record<string, string> {
  const own = { [SCOPE_HEADER]: name }
  return password === undefined ? own : { ...own, authorization: basicAuthorization('admin', password) }
}

/** Reads an answer; undefined if it is too large. The rest is then not read. */
async function readBounded({ body }: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  // Leaving the loop ends the connection.
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
