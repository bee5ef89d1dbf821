import { basicAuthorization } from '../../client/authorization.ts'
import { describeFetchFailure } from '../../client/fetch-failure.ts'
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
  /** The path and query, if it differs by the name of the member. */
  readonly path: string | ((name: string) => string)
  readonly headers?: Readonly<Record<string, string>>
  /** How long a member may take to answer. Default 1 s. */
  readonly timeoutMs?: number
}

/** Calls the admin listeners of all members at once. Never rejects: a member that does not answer in time has a problem. */
export async function askMembers(members: readonly Member[], options: AskOptions): Promise<MemberAnswer[]> {
  return await Promise.all(members.map(member => askOne(member, options)))
}

async function askOne(member: Member, options: AskOptions): Promise<MemberAnswer> {
  const { name: server, adminUrl } = member
  try {
    const { status, text } = await askMember(member, options)
    if (status !== 200) return { server, body: undefined, problem: `answered ${status}` }
    return { server, body: JSON.parse(text), problem: undefined }
  } catch (error) {
    const { name, message } = error as Error
    return { server, body: undefined, problem: name === 'SyntaxError' ? `${adminUrl} answered no JSON` : message }
  }
}

/** Calls the admin listener of one member. Throws an Error that says why there is no answer. */
export async function askMember(
  { name, adminUrl }: Member,
  { password, path, headers, timeoutMs = TIMEOUT_MS }: AskOptions
): Promise<{ readonly status: number; readonly text: string }> {
  const { status, text } = await fetchText(`${adminUrl}${typeof path === 'string' ? path : path(name)}`, {
    headers: { ...headers, ...headersFor(name, password) },
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs)
  }).catch((error: unknown) => {
    const isLate = (error as Error).name === 'TimeoutError'
    throw new Error(isLate ? `no answer within ${timeoutMs / 1000} s` : describeFetchFailure(adminUrl, error))
  })
  if (status === 401) throw new Error('another ADMIN_PASSWORD')
  if (status === 421) throw new Error(`${adminUrl} is another server: set ADMIN_URL`)
  if (text === undefined) throw new Error(`answered more than ${MAX_ANSWER_BYTES} bytes`)
  return { status, text }
}

async function fetchText(url: string, options: RequestInit): Promise<{ status: number; text: string | undefined }> {
  const response = await fetch(url, options)
  return { status: response.status, text: await readBounded(response) }
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
