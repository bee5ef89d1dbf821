import type { Governance, GovernanceStep, Governor } from '../../ingest/govern/governance.ts'
import type { JudgedRequest } from '../../ingest/govern/judged-request.ts'
import type { Edit } from '../../ingest/govern/splice.ts'
import type { GoodEvent } from '../../ingest/judge/good-event.ts'
import type { BadEvent } from '../../ingest/judge/judge.ts'
import { KEY } from '../../ingest/parse/known-keys.ts'
import { hashesAnything } from '../../model/governance/privacy.ts'
import type { PrivacyConfig } from '../../model/governance/privacy.ts'
import { createHasher } from './hash.ts'
import { applyIpPolicy } from './ip.ts'
import { MemberEdits } from './member-edits.ts'
import type { Action, PrivacyRules } from './rules.ts'
import { compileRules } from './rules.ts'

/**
 * Members that say what an event is, when it happened, and for whom. Key patterns do not apply to them, and ids are
 * named by path.
 */
const STRUCTURE: ReadonlySet<number> = new Set([
  ...[KEY.type, KEY.messageId, KEY.userId, KEY.anonymousId, KEY.groupId, KEY.previousId, KEY.event, KEY.name],
  ...[KEY.category, KEY.integrations, KEY.timestamp, KEY.originalTimestamp, KEY.sentAt, KEY.receivedAt, KEY.writeKey],
  ...[KEY.channel, KEY.version, KEY.projectId]
])

/**
 * Privacy as a part of governance: the rules of a source's `privacy` about addresses and members are applied before
 * anything is stored, shown or sent on, also to refused events. A payload that cannot be parsed cannot be cleaned, and
 * is not kept.
 *
 * @param hashKey the secret of the HMAC; must be set if a rule hashes
 */
export function createPrivacy(hashKey: string | undefined): Governance {
  const governors = new WeakMap<PrivacyConfig, Governor>()
  const hasher = createHasher(hashKey ?? '')
  return {
    of({ privacy }) {
      if (privacy === undefined) return undefined
      if (hashKey === undefined && hashesAnything(privacy)) throw new Error('a rule hashes, and there is no key')
      let governor = governors.get(privacy)
      if (governor === undefined) governors.set(privacy, (governor = governorOf(compileRules(privacy, hasher))))
      return governor
    }
  }
}

function governorOf(rules: PrivacyRules): Governor {
  return {
    address: address => applyIpPolicy(rules.ip, address) ?? '',
    steps: [stepOf(rules)],
    mayKeep: () => false
  }
}

function stepOf(rules: PrivacyRules): GovernanceStep {
  const ofEvents = [...rules.roots.keys()]
  return request => {
    const { body, events } = request
    const edits: Edit[] = []
    const shared = new MemberEdits(body.bytes, rules)
    const { context } = body.envelope
    if (context !== undefined && context.fault === undefined) {
      shared.value(context.scan.start, rules.roots.get('context'))
      edits.push(...shared.edits)
    }
    for (const [index, event] of events.entries()) {
      if (request.verdictOf(index) !== undefined || request.isWithheld(index)) continue
      if (isReadable(event)) edits.push(...editsOf(request, { event, index, rules, shared: shared.done, ofEvents }))
      else edits.push(request.withhold(index))
    }
    request.rewrite(edits)
  }
}

function isReadable({ scan, fault }: GoodEvent | BadEvent): boolean {
  return scan.sound && scan.isObject && fault?.code !== 'invalid_utf8' && fault?.code !== 'too_deep'
}

interface Looked {
  readonly event: GoodEvent | BadEvent
  readonly index: number
  readonly rules: PrivacyRules
  /** What was done to the context that all events share. */
  readonly shared: ReadonlySet<Action>
  /** The top-level keys with which paths begin. */
  readonly ofEvents: readonly string[]
}

function editsOf(request: JudgedRequest, { event, index, rules, shared, ofEvents }: Looked): readonly Edit[] {
  const { scan } = event
  const found = new MemberEdits(request.body.bytes, rules)
  const dropped: Edit[] = []
  for (let place = 0; place < scan.size; place++) {
    const number = scan.numberAt(place)
    const isStructure = STRUCTURE.has(number)
    if (isStructure && ofEvents.length === 0) continue
    const key = scan.keyAt(place)
    const node = rules.roots.get(key)
    const [start, end] = [scan.valueStartAt(place), scan.valueEndAt(place)]
    const action = node?.action ?? (number < 0 ? rules.byKey?.(key) : undefined)
    if (action?.kind === 'hash') found.hashed(start, action)
    else if (action?.kind === 'drop') {
      found.done.add(action)
      // The key stays, with null as its value: an event keeps its top-level members.
      dropped.push({ start, end, text: 'null' })
    } else if (!isStructure && (node !== undefined || rules.byKey !== undefined)) found.value(start, node)
  }
  for (const action of new Set([...found.done, ...shared])) request.note(index, effectOf(action))
  return [...found.edits, ...dropped]
}

const effects = new WeakMap<Action, { readonly rule: Action['kind']; readonly detail: string }>()

function effectOf(action: Action) {
  let effect = effects.get(action)
  if (effect === undefined) effects.set(action, (effect = { rule: action.kind, detail: action.rule }))
  return effect
}
