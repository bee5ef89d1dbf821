import type { ConsentRule } from '../../model/destination.ts'
import type { JsonObject } from '../parse/body.ts'
import { asObject } from '../parse/body.ts'

/** What an event says of its user's consent: members of its context, the batch's under its own. */
export interface ConsentSigns {
  /** Segment's: `{categoryPreferences: {id: boolean}}`. */
  readonly consent: unknown
  /** RudderStack's: `{provider, allowedConsentIds, deniedConsentIds, resolutionStrategy}`. */
  readonly consentManagement: unknown
}

/** The event that tells of a change of consent goes everywhere, whatever the user has chosen (Segment's spec). */
export const CONSENT_EVENT = 'Segment Consent Preference Updated'

/**
 * Whether a destination with a rule may have an event. Where both vendors' members are there, both must allow it.
 *
 * @param hasIntegrations the event has an `integrations` object: it decides about a `consent` without preferences
 */
export function allowsConsent(rule: ConsentRule, signs: ConsentSigns, hasIntegrations: boolean): boolean {
  const { categories } = rule
  return allowsSegment(categories, signs.consent, hasIntegrations) && allowsRudder(rule, signs.consentManagement)
}

/**
 * Segment's table ("Consent in Segment Connections"). No `consent`: all. `consent: {}`: all, but none with an `integrations`
 * object. With `categoryPreferences`: each category of the destination must be true, and one that is missing is false. What
 * is none of these forms allows nothing.
 */
function allowsSegment(categories: readonly string[], consent: unknown, hasIntegrations: boolean): boolean {
  if (consent === undefined || consent === null) return true
  const said = asObject(consent)
  if (said === undefined) return false
  const preferences = said['categoryPreferences']
  if (preferences === undefined || preferences === null) return !hasIntegrations
  const chosen = asObject(preferences) ?? {}
  return categories.every(category => Object.hasOwn(chosen, category) && chosen[category] === true)
}

/**
 * RudderStack's rule (processor/consent.go): only denied ids count. `and`: no category may be denied; `or`: not all of them.
 * Ketch is always `or`; for a provider of one's own the destination's strategy counts; otherwise the event's.
 */
function allowsRudder({ categories, strategy = 'and' }: ConsentRule, consentManagement: unknown): boolean {
  const said = asObject(consentManagement)
  if (said === undefined) return true
  const denied = new Set(idsIn(said['deniedConsentIds']))
  if (denied.size === 0) return true
  const isDenied = (category: string): boolean => denied.has(category)
  return strategyOf(said, strategy) === 'or' ? !categories.every(isDenied) : !categories.some(isDenied)
}

function strategyOf({ provider, resolutionStrategy }: JsonObject, own: 'and' | 'or'): 'and' | 'or' {
  if (provider === 'ketch') return 'or'
  if (provider === 'custom') return own
  if (resolutionStrategy === 'or' || resolutionStrategy === 'any') return 'or'
  return 'and'
}

/** A list, or an object whose values are the ids: older SDKs send the latter with OneTrust. */
function idsIn(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  return Object.values(asObject(value) ?? {})
}
