import type { Destination } from './destination.ts'
import type { PrivacyConfig } from './governance/privacy.ts'
import type { OAuthIssuer } from './oauth/issuers.ts'
import type { OAuthApp } from './oauth/oauth.ts'
import type { Source } from './source.ts'
import type { SuppressConfig } from './governance/suppress.ts'

/** A larger file is refused, because parsing it would delay requests for too long. */
export const MAX_TRIBUTARY_FILE_BYTES = 4 * 1024 * 1024

/** The wanted settings of a topic. Undefined ones come from the variables or the cluster. */
export interface TopicSettings {
  /** The name of a topic, or a prefix and `*`. */
  readonly name: string
  readonly partitions?: number | undefined
  readonly replication?: number | undefined
  /** -1: unlimited. */
  readonly retentionMs?: number | undefined
  readonly cleanupPolicy?: string | undefined
  readonly minInsyncReplicas?: number | undefined
  readonly maxMessageBytes?: number | undefined
}

/** The content of tributary.yml without its keys, which every folder may get. */
export interface TributaryFile {
  readonly sources: readonly Source[]
  readonly destinations: readonly Destination[]
  /** The privacy rules for requests whose source is not known; undefined: none. */
  readonly privacy?: PrivacyConfig | undefined
  readonly topics?: readonly TopicSettings[]
  readonly suppress?: SuppressConfig | undefined
  /** The apps that may request OAuth tokens; default: none. */
  readonly apps?: readonly OAuthApp[]
  /** Other issuers whose tokens are accepted; default: none. */
  readonly issuers?: readonly OAuthIssuer[]
  /** The position of each destination's topic: `file:line:column: what`. */
  readonly topicPlaces: readonly string[]
}

/** The same with its keys, for code that looks up keys or edits the file. */
export interface KeyedTributaryFile {
  readonly file: TributaryFile
  /** The source of each write key. */
  readonly writeKeys: ReadonlyMap<string, Source>
}

/**
 * Parses the text of `fileName`. Throws ConfigError with every problem on its own line, as file:line:column, without a
 * key.
 */
export type ParseTributaryFile = (text: string, fileName: string) => KeyedTributaryFile
