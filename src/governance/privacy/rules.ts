import type { IpPolicy, PrivacyConfig } from '../../model/governance/privacy.ts'
import type { Hasher } from './hash.ts'

/** What is done to a member, and the rule that says so, in the form of tributary.yml. */
export interface Action {
  readonly kind: 'ip' | 'drop' | 'hash'
  readonly rule: string
}

/** One step of path rules: what is done to the member here, and the next steps. */
export interface PathNode {
  readonly action: Action | undefined
  readonly next: ReadonlyMap<string, PathNode>
  readonly any: PathNode | undefined
}

/** The compiled `privacy` of a source. */
export interface PrivacyRules {
  readonly ip: IpPolicy
  /** The first steps of paths: by the event's top-level key. */
  readonly roots: ReadonlyMap<string, PathNode>
  /** What is done to a member because of its key; undefined for most keys. */
  readonly byKey: ((key: string) => Action | undefined) | undefined
  readonly hasher: Hasher
}

interface Growing {
  action: Action | undefined
  readonly next: Map<string, Growing>
  any: Growing | undefined
}

const ANY = '*'
/** The cache holds the usual keys. A client that varies its keys must not fill the memory. */
const MAX_REMEMBERED_KEYS = 5_000

/** If several rules match a member, a rule that drops wins. */
export function compileRules(config: PrivacyConfig, hasher: Hasher): PrivacyRules {
  const root = grow()
  if (config.ip !== 'keep') plant(root, 'context.ip', { kind: 'ip', rule: `ip: ${config.ip}` })
  for (const path of config.hash) {
    for (const spelled of placesOf(path)) plant(root, spelled, { kind: 'hash', rule: path })
  }
  for (const path of config.drop) {
    for (const spelled of placesOf(path)) plant(root, spelled, { kind: 'drop', rule: path })
  }
  return { ip: config.ip, roots: root.next, byKey: compileKeys(config), hasher }
}

/** Traits are also in `context.traits`, and the `previousId` of an alias is the user's former id. */
function placesOf(path: string): readonly string[] {
  if (path.startsWith('traits.')) return [path, `context.${path}`]
  return path === 'userId' ? [path, 'previousId'] : [path]
}

function grow(): Growing {
  return { action: undefined, next: new Map(), any: undefined }
}

function plant(root: Growing, path: string, action: Action): void {
  let node = root
  for (const segment of path.split('.')) {
    if (segment === ANY) node = node.any ??= grow()
    else {
      const known = node.next.get(segment) ?? grow()
      node.next.set(segment, known)
      node = known
    }
  }
  if (node.action?.kind !== 'drop') node.action = action
}

function compileKeys({ dropKeys, hashKeys }: PrivacyConfig): PrivacyRules['byKey'] {
  const patterns = [
    ...dropKeys.map(rule => ({ matches: globOf(rule), action: { kind: 'drop', rule } as const })),
    ...hashKeys.map(rule => ({ matches: globOf(rule), action: { kind: 'hash', rule } as const }))
  ]
  if (patterns.length === 0) return undefined
  const remembered = new Map<string, Action | undefined>()
  return key => {
    if (remembered.has(key)) return remembered.get(key)
    const action = patterns.find(({ matches }) => matches(key))?.action
    if (remembered.size < MAX_REMEMBERED_KEYS) remembered.set(key, action)
    return action
  }
}

/** A case-insensitive pattern with `*`. Its cost does not depend on repetitions in the key. */
function globOf(pattern: string): (key: string) => boolean {
  const parts = pattern.toLowerCase().split(ANY)
  const [first = ''] = parts
  const last = parts.at(-1) ?? ''
  return spelled => {
    const key = spelled.toLowerCase()
    if (parts.length === 1) return key === first
    if (key.length < first.length + last.length || !key.startsWith(first) || !key.endsWith(last)) return false
    let from = first.length
    for (const part of parts.slice(1, -1)) {
      const at = key.indexOf(part, from)
      if (at < 0) return false
      from = at + part.length
    }
    return from <= key.length - last.length
  }
}
