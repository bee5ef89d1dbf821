import type { ConsentRule } from '../../model/destination.ts'
import type { JsonObject } from '../parse/body.ts'
import { asObject } from '../parse/body.ts'

/** The members of an event's context about consent, merged with the batch's. */
export interface ConsentSigns {
  /** Segment's: `{categoryPreferences: {id: boolean}}`. */
  readonly consent: unknown
  /** RudderStack's: `{provider, allowedConsentIds, deniedConsentIds, resolutionStrategy}`. */
  readonly consentManagement: unknown
}

/** The event that reports a change of consent goes to all destinations, whatever the user has chosen (Segment's spec). */
export const CONSENT_EVENT = 'Segment Consent Preference Updated'

/**
 * Whether a destination with a consent rule may get an event. If the event has the members of both vendors, both must allow
 * the destination.
 *
 * @param hasIntegrations the event has an `integrations` object, which matters for a `consent` without preferences
 */
export function allowsConsent(rule: ConsentRule, signs: ConsentSigns, hasIntegrations: boolean): boolean {
  const { categories } = rule
  return allowsSegment(categories, signs.consent, hasIntegrations) && allowsRudder(rule, signs.consentManagement)
}

/** Why allowsConsent() is false, in words for people. */
export function whyNoConsent(rule: ConsentRule, signs: ConsentSigns, hasIntegrations: boolean): string {
  const { categories } = rule
  if (!allowsSegment(categories, signs.consent, hasIntegrations)) {
    const said = asObject(signs.consent)
    if (said === undefined) return "the event's context.consent is not an object"
    const preferences = said['categoryPreferences'] ?? undefined
    if (preferences === undefined)
      return "the event's context.consent has no categoryPreferences, and it has integrations"
    const chosen = asObject(preferences) ?? {}
    const missing = categories.filter(category => !Object.hasOwn(chosen, category) || chosen[category] !== true)
    return `the user has not consented to ${missing.join(', ')} (context.consent.categoryPreferences)`
  }
  const denied = new Set(idsIn(asObject(signs.consentManagement)?.['deniedConsentIds']))
  return `the user has denied ${categories.filter(category => denied.has(category)).join(', ')} (context.consentManagement)`
}

/**
 * Segment's table ("Consent in Segment Connections"). Without `consent`: allowed. `consent: {}`: allowed, unless the event
 * has an `integrations` object. With `categoryPreferences`: allowed if each category of the destination is true; a missing
 * category is false. All other forms: not allowed.
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
 * RudderStack's rule (processor/consent.go): only denied ids count. `and`: no category may be denied. `or`: at least one
 * category must not be denied. The strategy is `or` for the provider `ketch`, the destination's for `custom`, and otherwise
 * the event's.
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

/** The ids of a list, or of an object whose values are the ids, which older SDKs send with OneTrust. */
function idsIn(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  return Object.values(asObject(value) ?? {})
}
