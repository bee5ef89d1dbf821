import type { EventType } from '../../model/event-types.ts'
import type { Outcome } from '../../model/outcome.ts'
import type { ExplainRoute, RouteExplanation, RouteReason } from '../../model/route.ts'
import type { Placement } from '../../model/sink.ts'
import type { Mask } from './mask.ts'
import { describePlacement } from './describe-placement.ts'

/** What became of an event at one destination of the configuration. */
export interface DestinationVerdict {
  readonly destination: string
  /** Whether the event goes to the destination's topic. */
  readonly sent: boolean
  /** The destination's topic for this event; null if nothing of the event was published. */
  readonly topic: string | null
  /** What kept the event from the destination; null if it was sent. */
  readonly rule: NonNullable<RouteReason['rule']> | 'not_published' | 'no_kafka' | null
  /** The topic and place where it was sent, or why it was not, in words. */
  readonly says: string
}

/** One row for each destination of the configuration. */
export interface Routing extends Pick<RouteExplanation, 'by' | 'changed' | 'says'> {
  readonly destinations: readonly DestinationVerdict[]
}

/** The facts about an event from which its routing is explained. */
export interface Published {
  readonly source: string
  readonly type: EventType | 'unknown'
  /** When it was routed, in milliseconds since the epoch. */
  readonly at: number
  readonly outcome: Outcome
  /** The published event; undefined if none was published. */
  readonly event: Readonly<Record<string, unknown>> | undefined
  /** Where its records are. */
  readonly places: readonly Placement[]
}

const NOT_PUBLISHED: Record<Exclude<Outcome, 'accepted'>, string> = {
  duplicate:
    'nothing of this copy was published: an event with this messageId was durable already, and went where the rules sent it',
  rejected: 'nothing was published: the event was rejected',
  rate_limited: 'nothing was published: the source was over its rate limit',
  failed: 'it could not be made durable, and the client was told to send it again',
  filtered: 'nothing was published: the configuration drops the event on purpose',
  suppressed: 'nothing was published: the user is on the suppression list'
}
const NO_KAFKA = 'destinations have no effect without Kafka (KAFKA_BROKERS): the event is only in the log on disk'

/** The routing of an event, with write keys masked. */
export function routingOf(
  { source, type, at, outcome, event, places }: Published,
  { explain, mask }: { readonly explain: ExplainRoute; readonly mask: Mask }
): Routing {
  if (type === 'unknown' || event === undefined || (outcome !== 'accepted' && outcome !== 'failed')) {
    const why = outcome === 'accepted' ? '' : NOT_PUBLISHED[outcome]
    const destinations = explain.namesAt(at).map((destination): DestinationVerdict => ({
      destination,
      sent: false,
      topic: null,
      rule: 'not_published',
      says: why
    }))
    return { by: 'then', changed: null, says: '', destinations }
  }
  const { by, changed, says, reasons } = explain({ source, type, at, event })
  const isStored = outcome === 'accepted'
  const destinations = reasons.map((reason): DestinationVerdict => {
    const { destination, topic, rule } = reason
    const why = mask(reason.why)
    if (rule !== null) return { destination, sent: false, topic, rule, says: why }
    const what = !isStored ? NOT_PUBLISHED.failed : explain.hasKafka ? placesIn(topic, places) : NO_KAFKA
    const more = why === '' ? '' : `; ${why}`
    if (isStored && explain.hasKafka) return { destination, sent: true, topic, rule: null, says: `${what}${more}` }
    return { destination, sent: false, topic, rule: isStored ? 'no_kafka' : 'not_published', says: `${what}${more}` }
  })
  const isWaiting = changed === true && places.some(({ store }) => store === 'spool')
  return { by, changed, says: isWaiting ? `${says}; ${FROM_DISK}` : says, destinations }
}

const FROM_DISK = 'an event that is read back from disk is routed by those that are in force then'

/** The topic with the event's place in it, as far as it is known. */
function placesIn(topic: string, places: readonly Placement[]): string {
  const known = places.filter(place => place.topic === topic && place.store === 'kafka')
  return known.length === 0 ? topic : known.map(describePlacement).join(', ')
}
