import type { EventType } from './event-types.ts'

/** A destination of tributary.yml: a topic and the rule for which events go there. */
export interface Destination {
  /** As SDK users write it in `integrations`; case-sensitive. */
  readonly name: string
  /** May contain `{type}` and `{source}`. */
  readonly topic: string
  readonly enabled: boolean
  readonly sources: readonly string[] | undefined
  readonly types: readonly EventType[] | undefined
  /** Which track calls, by their `event`; the other types are untouched. */
  readonly events?: EventNames | undefined
  /** Which users: 0 none, 1 all. The same user is always in or always out. */
  readonly sample?: { readonly rate: number } | undefined
  /** What users must have consented to; undefined: nothing. */
  readonly consent?: ConsentRule | undefined
}

/** Categories of consent that a destination falls under: each must be given. */
export interface ConsentRule {
  /** Ids, as the consent tool spells them. */
  readonly categories: readonly string[]
  /** For RudderStack's `custom` provider: whether one denied category is enough (`and`, the default), or it takes all. */
  readonly strategy?: 'and' | 'or' | undefined
}

/** Exact, case-sensitive names. `deny` beats `allow`; without `allow` every name that is not denied passes. */
export interface EventNames {
  readonly allow?: readonly string[] | undefined
  readonly deny?: readonly string[] | undefined
}
