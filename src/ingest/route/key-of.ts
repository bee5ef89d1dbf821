import type { JsonObject } from '../parse/body.ts'
import { asObject } from '../parse/body.ts'
import type { RoutedEvent } from './candidates.ts'

/** The partition key of an event: userId, otherwise anonymousId, otherwise an empty string. */
export function partitionKeyOf({ userId, anonymousId }: JsonObject): string {
  if (typeof userId === 'string' && userId !== '') return userId
  return typeof anonymousId === 'string' ? anonymousId : ''
}

/** A completely parsed event, as the router reads it. */
export function toRoutedEvent(value: JsonObject): RoutedEvent {
  const name = value['event']
  const { consent, consentManagement } = asObject(value['context']) ?? {}
  return {
    name: () => (typeof name === 'string' ? name : undefined),
    key: () => partitionKeyOf(value),
    consent: () => ({ consent, consentManagement })
  }
}
