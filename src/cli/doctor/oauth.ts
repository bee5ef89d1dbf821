import type { Config } from '../../config/env/config.ts'
import type { TributaryFile } from '../../model/tributary-file.ts'
import { SigningKeys } from '../../oauth/signing-keys.ts'
import type { Finding } from './finding.ts'
import { counted } from '../counted.ts'

const MANY_KEYS = 2

/** Checks OAuth: which apps get tokens, which sources need them, and whether the servers accept each other's. Empty if unused. */
export async function checkOAuth({ publicUrl, fleet, oauth }: Config, file: TributaryFile): Promise<Finding[]> {
  const { apps = [], issuers = [] } = file
  const asking = file.sources.filter(source => source.oauth !== undefined)
  if (apps.length === 0 && issuers.length === 0 && asking.length === 0) return []
  const found: Finding[] = [...unreachable(file)]
  if (apps.length > 0 && publicUrl === undefined) {
    const says = 'PUBLIC_URL is not set: assertions may name whatever address this server is reached by'
    found.push(warning(says, 'Set PUBLIC_URL to the address that SDKs have as their authServer.'))
  }
  if (apps.length > 0 && fleet !== undefined && oauth.keyFile === undefined) {
    const says = 'the servers of the fleet sign tokens with keys of their own: a token of one is unknown to the others'
    found.push(problem(says, 'Give all of them the same file with OAUTH_SIGNING_KEY_FILE.'))
  }
  for (const { id, publicKeys } of apps.filter(app => app.publicKeys.length >= MANY_KEYS)) {
    const says = `app ${id} has ${publicKeys.length} public keys (${publicKeys.map(({ kid }) => kid).join(', ')})`
    found.push({ level: 'note', area: 'OAuth', says, todo: 'Take the old ones out once the app has the new one.' })
  }
  if (oauth.keyFile !== undefined) found.push(...(await checkKeyFile(oauth.keyFile)))
  const isSound = found.every(({ level }) => level === 'note')
  const says = `${counted(asking.length, 'source')} with oauth, ${counted(apps.length, 'app')}, ${counted(issuers.length, 'issuer')}`
  return isSound ? [...found, { level: 'ok', area: 'OAuth', says }] : found
}

/** Sources that require a token, but to which no app and no issuer may send. */
function unreachable({ sources, apps = [], issuers = [] }: TributaryFile): Finding[] {
  const byIssuers = new Set(issuers.flatMap(({ rules }) => rules.flatMap(rule => rule.sources)))
  const closed = sources.filter(
    ({ id, oauth }) =>
      oauth === 'required' && !byIssuers.has(id) && !apps.some(app => app.sources?.includes(id) ?? true)
  )
  return closed.map(({ id }) =>
    problem(
      `source ${id} requires OAuth tokens, and no app and no issuer may send to it: every event is refused with 401`,
      'Name it in "sources" of an app or of a rule of an issuer, or set oauth: off.'
    )
  )
}

async function checkKeyFile(file: string): Promise<Finding[]> {
  const log = { error: (): void => undefined }
  try {
    await new SigningKeys({ file, isGiven: true, monotonic: () => performance.now(), log }).current()
    return []
  } catch (error) {
    const says = `OAUTH_SIGNING_KEY_FILE cannot be used: ${(error as Error).message}`
    return [problem(says, 'Put a private key in PEM form first in it; docs/oauth.md says how.')]
  }
}

function problem(says: string, todo: string): Finding {
  return { level: 'problem', area: 'OAuth', says, todo }
}

function warning(says: string, todo: string): Finding {
  return { level: 'warning', area: 'OAuth', says, todo }
}
