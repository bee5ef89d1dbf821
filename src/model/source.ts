import type { BotPolicy } from './governance/bots.ts'
import type { PrivacyConfig } from './governance/privacy.ts'
import type { LimitName } from './limits.ts'
import type { OAuthMode } from './oauth/oauth.ts'
import type { PlanSettings } from './plans/plan-settings.ts'

/** A source: one stream of events with its own keys. `id` is what the records carry; the write key never leaves. */
export interface Source {
  readonly id: string
  readonly name: string
  readonly enabled: boolean
  /** Origins whose pages may send with this source's keys; undefined: any. */
  readonly allowedOrigins: readonly string[] | undefined
  readonly rateLimit: RateLimit | undefined
  /** Bounds on its requests, where they are less than the server's; default: the server's. */
  readonly limits?: SourceLimits | undefined
  /** What of its events may be kept, the file's rules included; undefined: all of it. */
  readonly privacy?: PrivacyConfig | undefined
  /** Whose browser SDK its settings are for; default: Segment's. */
  readonly settingsFor?: 'segment' | 'customer.io' | undefined
  /** Whether its requests need an OAuth token beside the write key; default: off. */
  readonly oauth?: OAuthMode | undefined
  /** What is done with events of bots; default: off. */
  readonly bots?: BotPolicy | undefined
  /** What its events should look like; undefined: no plan holds. */
  readonly plan?: PlanSettings | undefined
}

export type SourceLimits = Readonly<Partial<Record<LimitName, number>>>

export interface RateLimit {
  readonly eventsPerSecond?: number | undefined
  readonly requestsPerSecond?: number | undefined
}

/** Where sources and their keys come from. Reads are synchronous: a request never waits for a store. */
export interface KeyStore {
  /** The source of a write key, also when it is disabled; undefined when no source has that key. Constant time in the key. */
  find(writeKey: string): Source | undefined
  /** Every source, in the order of the store. The same list until anything about sources or keys changes, then another. */
  sources(): readonly Source[]
  close(): Promise<void>
}
