/** Makes a server a member of a fleet. */
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import type { Config } from '../../config/env/config.ts'
import type { OpenSink } from '../../durability/open.ts'
import { connectFleet, fleetParts } from '../../fleet/connect.ts'
import type { Fleet, SelfFacts } from '../../fleet/open.ts'
import { openFleet } from '../../fleet/open.ts'
import { ensureConfigFile } from '../../keys/edit/first-file.ts'
import type { ParseTributaryFile } from '../../model/tributary-file.ts'
import type { LiveSettings } from '../settings/live-settings.ts'
import { createFileKeyStore } from '../../keys/store/file-key-store.ts'
import type { AuditPlace } from './audited-config.ts'
import { AuditedConfig } from './audited-config.ts'

export interface KeysOptions {
  readonly parse: ParseTributaryFile
  /** The version of the server's software. */
  readonly version: string
  readonly log: Logger
  /** The settings of the cluster; undefined: there is no Kafka. */
  readonly kafka: LiveSettings['kafka']
  readonly audit: AuditPlace
}

type OnEdit = AuditedConfig['edited']

/** Undefined if the server is in no fleet. Rejects with ConfigError if the fleet has no configuration and none can be created. */
async function openOwnFleet(
  config: Config,
  { parse, version, log, kafka }: KeysOptions,
  onEdit: OnEdit
): Promise<Fleet | undefined> {
  const parts = fleetParts(config)
  if (parts === undefined || kafka === undefined) return undefined
  const name = parts.fleet.serverName ?? `${hostname()}:${config.port}`
  const topics = await connectFleet(parts, kafka)
  return openFleet({ ...config, topics, name, version, parse, log, onEdit })
}

/** Opens the key store: the fleet's if the server is in one, otherwise that of the file. */
export async function openKeys(config: Config, options: KeysOptions) {
  const { parse, log, audit } = options
  const from = config.fleet === undefined ? config.configFile : `the fleet "${config.fleet.name}"`
  const audited = new AuditedConfig({ ...audit, from, log })
  const onEdit: OnEdit = (...edit) => audited.edited(...edit)
  const fleet = await openOwnFleet(config, options, onEdit)
  const keys = fleet?.config.keys ?? (await createFileKeyStore({ file: config.configFile, parse, log, onEdit }))
  audited.start(keys.keyed(), keys.configState().hash)
  const isBehind = (): boolean => fleet?.config.isBehind() ?? false
  return { fleet, keys, isBehind }
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
