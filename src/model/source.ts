import type { BotPolicy } from './governance/bots.ts'
import type { PrivacyConfig } from './governance/privacy.ts'
import type { LimitName } from './limits.ts'
import type { OAuthMode } from './oauth/oauth.ts'
import type { PlanSettings } from './plans/plan-settings.ts'

/** A stream of events with its own keys. Records contain its `id`, never a write key. */
export interface Source {
  readonly id: string
  readonly name: string
  readonly enabled: boolean
  /** The origins whose pages may send with this source's keys; undefined: all. */
  readonly allowedOrigins: readonly string[] | undefined
  readonly rateLimit: RateLimit | undefined
  /** Limits of its requests below the server's; default: the server's. */
  readonly limits?: SourceLimits | undefined
  /** The privacy rules for its events, including those of the whole file; undefined: none. */
  readonly privacy?: PrivacyConfig | undefined
  /** The vendor of the browser SDK that its settings are for; default: Segment. */
  readonly settingsFor?: 'segment' | 'customer.io' | undefined
  /** Whether its requests need an OAuth token beside the write key; default: off. */
  readonly oauth?: OAuthMode | undefined
  /** What is done with events of bots; default: off. */
  readonly bots?: BotPolicy | undefined
  /** The tracking plan of its events; undefined: none. */
  readonly plan?: PlanSettings | undefined
}

export type SourceLimits = Readonly<Partial<Record<LimitName, number>>>

export interface RateLimit {
  readonly eventsPerSecond?: number | undefined
  readonly requestsPerSecond?: number | undefined
}

/** A store of sources and their keys. Reads are synchronous, so that a request never waits for it. */
export interface KeyStore {
  /**
   * The source of a write key, also if it is disabled; undefined if no source has that key. Takes constant time for all
   * keys.
   */
  find(writeKey: string): Source | undefined
  /** Every source, in the order of the store. Returns the same list until sources or keys change. */
  sources(): readonly Source[]
  close(): Promise<void>
}
