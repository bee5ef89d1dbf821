import type { JsonObject } from '../parse/body.ts'
import { asObject } from '../parse/body.ts'
import type { RoutedEvent } from './candidates.ts'

/** What Kafka partitions an event by: userId, else anonymousId; empty where it has neither. */
export function partitionKeyOf({ userId, anonymousId }: JsonObject): string {
  if (typeof userId === 'string' && userId !== '') return userId
  return typeof anonymousId === 'string' ? anonymousId : ''
}

/** An event that was parsed whole, as the router asks it. */
export function asRouted(value: JsonObject): RoutedEvent {
  const name = value['event']
  const { consent, consentManagement } = asObject(value['context']) ?? {}
  return {
    name: () => (typeof name === 'string' ? name : undefined),
    key: () => partitionKeyOf(value),
    consent: () => ({ consent, consentManagement })
  }
}
