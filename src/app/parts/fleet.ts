/** Makes a server a member of a fleet. */
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import type { Config } from '../../config/env/config.ts'
import type { OpenSink } from '../../durability/open.ts'
import { connectFleet, fleetParts } from '../../fleet/connect.ts'
import type { Fleet, SelfFacts } from '../../fleet/open.ts'
import { openFleet } from '../../fleet/open.ts'
import { ensureConfigFile } from '../../keys/edit/first-file.ts'
import { configChanges } from '../../keys/store/config-changes.ts'
import type { Audit } from '../../model/operations/audit.ts'
import type { KeyedTributaryFile, ParseTributaryFile } from '../../model/tributary-file.ts'
import type { LiveSettings } from '../settings/live-settings.ts'
import { createFileKeyStore } from '../../keys/store/file-key-store.ts'

export interface KeysOptions {
  readonly parse: ParseTributaryFile
  /** The version of the server's software. */
  readonly version: string
  readonly log: Logger
  /** The settings of the cluster; undefined: there is no Kafka. */
  readonly kafka: LiveSettings['kafka']
  readonly audit: Audit
}

/** Undefined if the server is in no fleet. Rejects with ConfigError if the fleet has no configuration and none can be created. */
async function openOwnFleet(
  config: Config,
  { parse, version, log, kafka, audit }: KeysOptions
): Promise<Fleet | undefined> {
  const parts = fleetParts(config)
  if (parts === undefined || kafka === undefined) return undefined
  const name = parts.fleet.serverName ?? `${hostname()}:${config.port}`
  const topics = await connectFleet(parts, kafka)
  const onEdit = auditEdits(audit, `the fleet "${parts.fleet.name}"`)
  return openFleet({ ...config, topics, name, version, parse, log, onEdit })
}

/** Opens the key store: the fleet's if the server is in one, otherwise that of the file. */
export async function openKeys(config: Config, options: KeysOptions) {
  const fleet = await openOwnFleet(config, options)
  const { parse, log, audit } = options
  const onEdit = auditEdits(audit, config.configFile)
  const keys = fleet?.config.keys ?? (await createFileKeyStore({ file: config.configFile, parse, log, onEdit }))
  const isBehind = (): boolean => fleet?.config.isBehind() ?? false
  return { fleet, keys, isBehind }
}

/** Audits each edit of the configuration that comes into force, with its changes. */
function auditEdits(audit: Audit, from: string) {
  return (before: KeyedTributaryFile, after: KeyedTributaryFile, who = 'an edit of the file'): void => {
    const changes = configChanges(before, after)
    if (changes.length > 0) audit('config_changed', { who, from, what: 'the configuration has changed', changes })
  }
}

/** The facts that this server announces to the others. Its admin listener is bound to `adminUrl`. */
export function selfFacts(config: Config, sink: OpenSink, adminUrl: string): SelfFacts {
  return {
    adminUrl: config.fleet?.adminUrl ?? reachableUrl(adminUrl),
    kafka: kafkaState(sink),
    backlogBytes: sink.levels().backlog
  }
}

export function kafkaState(sink: OpenSink): { readonly reached: boolean; readonly problem: string | null } {
  return { reached: sink.levels().lanes?.reached ?? false, problem: sink.health().problems[0] ?? null }
}

/** The URL by which other machines reach a listener. A listener on all addresses is reached by the machine's name. */
function reachableUrl(url: string): string {
  return url.replace(/\/\/(0\.0\.0\.0|\[::\])(?=:)/, `//${hostname()}`)
}

/**
 * Creates the config file if it is missing, and resolves with the write key of the new file; otherwise undefined. A server of a
 * fleet gets its configuration from the fleet, so that no file is created.
 */
export async function firstKeyOf({ fleet, configFile, configFileGiven }: Config): Promise<string | undefined> {
  if (fleet !== undefined) return undefined
  return await ensureConfigFile({ file: configFile, given: configFileGiven })
}
