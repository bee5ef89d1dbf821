import { isDeepStrictEqual } from 'node:util'
import type { BotPolicy } from '../../model/governance/bots.ts'
import type { PrivacyConfig } from '../../model/governance/privacy.ts'
import { NO_PRIVACY } from '../../model/governance/privacy.ts'
import type { Destination } from '../../model/destination.ts'
import type { PlanSettings } from '../../model/plans/plan-settings.ts'
import type { Source } from '../../model/source.ts'
import type { KeyedTributaryFile, TopicSettings } from '../../model/tributary-file.ts'
import { MAX_TRIBUTARY_FILE_BYTES } from '../../model/tributary-file.ts'
import { ConfigError } from '../../model/config-error.ts'
import { deepFreeze } from '../deep-freeze.ts'
import type { SuppressConfig } from '../../model/governance/suppress.ts'
import { fileFindings } from './file-findings.ts'
import type { AppEntry, IssuerEntry } from './oauth-entry.ts'
import { toApps, toIssuers } from './oauth-entry.ts'
import type { PlanEntry } from './plan-entry.ts'
import { toPlanSettings } from './plan-entry.ts'
import { schemaFindings } from './schema-findings.ts'
import { parseYaml } from './yaml-source.ts'

/** A source and a destination in the form of schemas/config.schema.json. */
type SourceEntry = Partial<Omit<Source, 'privacy' | 'plan'>> & {
  readonly privacy?: Partial<PrivacyConfig>
  readonly plan?: PlanEntry | null
  readonly id: string
  readonly writeKeys: readonly string[]
}
type DestinationEntry = Partial<Destination> & { readonly name: string; readonly topic: string }

interface FileEntry {
  readonly sources: readonly SourceEntry[]
  readonly destinations?: readonly DestinationEntry[] | null
  readonly topics?: readonly (Omit<TopicSettings, 'retentionMs'> & { readonly retention?: string })[] | null
  readonly suppress?: Partial<SuppressConfig> | null
  readonly privacy?: Partial<PrivacyConfig> | null
  readonly plan?: PlanEntry | null
  readonly bots?: BotPolicy | null
  readonly apps?: readonly AppEntry[] | null
  readonly issuers?: readonly IssuerEntry[] | null
}

/**
 * Parses the text of tributary.yml. Throws ConfigError with every problem as `file:line:column: what: why`; no problem quotes
 * a key. The result is frozen, and its sources do not contain their keys.
 */
export function parseTributaryFile(text: string, fileName: string): KeyedTributaryFile {
  if (Buffer.byteLength(text) > MAX_TRIBUTARY_FILE_BYTES) {
    throw new ConfigError([`${fileName}:1:1: the file is larger than ${MAX_TRIBUTARY_FILE_BYTES} bytes`])
  }
  const yaml = parseYaml(text.replace(/^\uFEFF/, ''), fileName)
  const findings = [...schemaFindings(yaml.data), ...fileFindings(yaml.data)]
  if (findings.length > 0) throw new ConfigError(yaml.report(findings))
  const data = yaml.data as FileEntry
  const writeKeys = new Map<string, Source>()
  const planOfAll = toPlanSettings(data.plan)
  const sources = data.sources.map(entry => {
    const plan = entry.plan === undefined ? planOfAll : toPlanSettings(entry.plan)
    const source = toSource(entry, { privacy: data.privacy, bots: data.bots, plan })
    for (const key of entry.writeKeys) writeKeys.set(key, source)
    return source
  })
  const destinations = (data.destinations ?? []).map(toDestination)
  const privacy = toPrivacy(data.privacy ?? {})
  const topicPlaces = destinations.map((_, index) => yaml.place(['destinations', index, 'topic']))
  return {
    file: deepFreeze({
      sources,
      destinations,
      topics: toTopics(data.topics),
      topicPlaces,
      suppress: toSuppress(data.suppress),
      apps: toApps(data.apps),
      issuers: toIssuers(data.issuers),
      privacy
    }),
    writeKeys
  }
}

/** Undefined if no rule is set, so that no work is done for each event. */
function toPrivacy(entry: Partial<PrivacyConfig>): PrivacyConfig | undefined {
  const privacy = { ...NO_PRIVACY, ...entry }
  return isDeepStrictEqual(privacy, NO_PRIVACY) ? undefined : privacy
}

const UNIT_MS = { h: 3_600_000, d: 86_400_000 } as const

function toTopics(entries: FileEntry['topics']): TopicSettings[] {
  return (entries ?? []).map(({ retention, ...entry }) => ({ ...entry, retentionMs: toRetention(retention) }))
}

/** Converts `12h` or `7d` to milliseconds, and `keep` to -1, which is Kafka's value. The schema has checked the form. */
function toRetention(text: string | undefined): number | undefined {
  if (text === undefined || text === 'keep') return text === undefined ? undefined : -1
  return Number(text.slice(0, -1)) * UNIT_MS[text.slice(-1) as keyof typeof UNIT_MS]
}

function toSuppress(entry: FileEntry['suppress']): SuppressConfig | undefined {
  return entry == null ? undefined : { users: entry.users ?? [], file: entry.file }
}

interface OfAll extends Pick<FileEntry, 'privacy' | 'bots'> {
  readonly plan: PlanSettings | undefined
}

function toSource(entry: SourceEntry, { privacy: privacyOfAll, bots: botsOfAll, plan }: OfAll): Source {
  const { id, name, enabled, allowedOrigins, rateLimit, limits, settingsFor, oauth } = entry
  const privacy = toPrivacy({ ...privacyOfAll, ...entry.privacy })
  const bots = entry.bots ?? botsOfAll ?? 'off'
  return deepFreeze({
    ...{ id, name: name ?? id, enabled: enabled ?? true, allowedOrigins, rateLimit, limits, settingsFor },
    ...(oauth === undefined || oauth === 'off' ? {} : { oauth }),
    privacy,
    ...(bots === 'off' ? {} : { bots }),
    ...(plan === undefined ? {} : { plan })
  })
}

function toDestination(entry: DestinationEntry): Destination {
  const { name, topic, enabled, sources, types, events, sample, consent } = entry
  return { name, topic, enabled: enabled ?? true, sources, types, events, sample, consent }
}
