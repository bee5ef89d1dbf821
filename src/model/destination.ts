import type { EventType } from './event-types.ts'

/** A destination of tributary.yml: a topic and the rule for which events go there. */
export interface Destination {
  /** The name that SDK users write in `integrations`; case-sensitive. */
  readonly name: string
  /** May contain `{type}` and `{source}`. */
  readonly topic: string
  readonly enabled: boolean
  readonly sources: readonly string[] | undefined
  readonly types: readonly EventType[] | undefined
  /** Selects track calls by their `event`. Other types always pass. */
  readonly events?: EventNames | undefined
  /** The share of users, from 0 (none) to 1 (all). A user is always in the sample or never. */
  readonly sample?: { readonly rate: number } | undefined
  /** The consent that a user must have given; undefined: none. */
  readonly consent?: ConsentRule | undefined
}

/** The categories of consent of a destination. The user must have consented to each. */
export interface ConsentRule {
  /** The ids of the consent tool. */
  readonly categories: readonly string[]
  /** For RudderStack's `custom` provider: whether one denied category is enough (`and`, the default), or it takes all. */
  readonly strategy?: 'and' | 'or' | undefined
}

/** Exact, case-sensitive names. `deny` beats `allow`; without `allow` every name that is not denied passes. */
export interface EventNames {
  readonly allow?: readonly string[] | undefined
  readonly deny?: readonly string[] | undefined
}
