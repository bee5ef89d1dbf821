import type { Member } from '../members/roster.ts'

/** So long a member may take to answer. */
const PATIENCE_MS = 1_000
const MAX_ANSWER_BYTES = 16 * 1024 * 1024

/** Says to a server: answer for yourself alone. Its value is the name of the server that is meant. */
export const SCOPE_HEADER = 'x-tributary-server'

export interface MemberAnswer {
  readonly server: string
  /** JSON, parsed; undefined where there is a problem. */
  readonly body: unknown
  readonly problem: string | undefined
}

export interface AskOptions {
  /** ADMIN_PASSWORD: the same on all servers of a fleet. */
  readonly password: string | undefined
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Asks the admin listeners of members at once. Never rejects: who does not answer in time is named. */
export async function askMembers(members: readonly Member[], options: AskOptions): Promise<MemberAnswer[]> {
  return await Promise.all(members.map(member => askOne(member, options)))
}

async function askOne({ name, adminUrl }: Member, { password, path, headers }: AskOptions): Promise<MemberAnswer> {
  const failed = (problem: string): MemberAnswer => ({ server: name, body: undefined, problem })
  const credentials = Buffer.from(`admin:${password ?? ''}`).toString('base64')
  try {
    const response = await fetch(`${adminUrl}${path}`, {
      headers: {
        ...headers,
        [SCOPE_HEADER]: name,
        ...(password === undefined ? {} : { authorization: `Basic ${credentials}` })
      },
      redirect: 'error',
      signal: AbortSignal.timeout(PATIENCE_MS)
    })
    const text = await response.text()
    if (response.status === 401) return failed('another ADMIN_PASSWORD')
    if (response.status === 421) return failed(`${adminUrl} is another server: set ADMIN_URL`)
    if (!response.ok) return failed(`answered ${response.status}`)
    if (text.length > MAX_ANSWER_BYTES) return failed('answered too much')
    return { server: name, body: JSON.parse(text), problem: undefined }
  } catch (error) {
    const isSlow = (error as Error).name === 'TimeoutError'
    return failed(isSlow ? `no answer within ${PATIENCE_MS / 1000} s` : `${adminUrl} cannot be reached`)
  }
}
