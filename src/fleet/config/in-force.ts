import { setTimeout as sleep } from 'node:timers/promises'
import type { Members } from '../members/members.ts'
import type { Member } from '../members/member-list.ts'

export interface InForce {
  readonly version: number
  /** Live members that have the version, or a later one. */
  readonly have: number
  readonly live: number
  /** One line for each live member that does not have it, and for each that is away. */
  readonly others: readonly string[]
}

const POLL_MS = 20

/** Waits until every live member has the version in force, for `timeoutMs` at most. */
export async function awaitInForce(members: Members, version: number, timeoutMs: number): Promise<InForce> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const seen = inForce(members.all(), version)
    if ((members.isHeard() && seen.have === seen.live) || performance.now() > deadline) return seen
    await sleep(POLL_MS)
  }
}

export function inForce(members: readonly Member[], version: number): InForce {
  const live = members.filter(({ state }) => state === 'live')
  const have = live.filter(({ config }) => config.version >= version)
  const lacking = live.filter(({ config }) => config.version < version)
  const away = members.filter(({ state }) => state === 'away')
  return {
    version,
    have: have.length,
    live: live.length,
    others: [
      ...lacking.map(({ name, config: { version: has, problem } }) =>
        problem === null ? `${name} has version ${has}` : `${name} has version ${has}: ${problem}`
      ),
      ...away.map(({ name, silentMs }) => `${name} is away since ${Math.round(silentMs / 1000)} s`)
    ]
  }
}

/** `in force on 2 of 3 servers (version 8)`, and a line for each other one. */
export function describeInForce({ version, have, live, others }: InForce): string {
  if (live === 0) return [`version ${version} is in the topic; no server is running`, ...others].join('\n  ')
  return [`in force on ${have} of ${live} ${live === 1 ? 'server' : 'servers'} (version ${version})`, ...others].join(
    '\n  '
  )
}
