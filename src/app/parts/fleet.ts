/** How a server becomes one of a fleet. */
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

export interface KeysOptions {
  readonly parse: ParseTributaryFile
  /** Of the server's software. */
  readonly version: string
  readonly log: Logger
  /** How the cluster is reached; undefined: there is none. */
  readonly kafka: LiveSettings['kafka']
}

/** Undefined where the server stands alone. Rejects with ConfigError where the fleet has no configuration and gets none. */
async function openOwnFleet(config: Config, { parse, version, log, kafka }: KeysOptions): Promise<Fleet | undefined> {
  const parts = fleetParts(config)
  if (parts === undefined || kafka === undefined) return undefined
  const name = parts.fleet.serverName ?? `${hostname()}:${config.port}`
  const topics = await connectFleet(parts, kafka)
  return openFleet({ ...config, topics, name, version, parse, log })
}

/** Who is calling, as the fleet or the file says. */
export async function openKeys(config: Config, options: KeysOptions) {
  const fleet = await openOwnFleet(config, options)
  const { parse, log } = options
  const keys = fleet?.config.keys ?? (await createFileKeyStore({ file: config.configFile, parse, log }))
  const isBehind = (): boolean => fleet?.config.isBehind() ?? false
  return { fleet, keys, isBehind }
}

/** What the others hear of this server, whose admin listener is bound to `adminUrl`. */
export function selfFacts(config: Config, sink: OpenSink, adminUrl: string): SelfFacts {
  return {
    adminUrl: config.fleet?.adminUrl ?? reachable(adminUrl),
    kafka: kafkaState(sink),
    backlogBytes: sink.levels().backlog
  }
}

export function kafkaState(sink: OpenSink): { readonly reached: boolean; readonly problem: string | null } {
  return { reached: sink.levels().lanes?.reached ?? false, problem: sink.health().problems[0] ?? null }
}

/** A URL of a listener as other machines reach it: one on any address is reached by the machine's name. */
function reachable(url: string): string {
  return url.replace(/\/\/(0\.0\.0\.0|\[::\])(?=:)/, `//${hostname()}`)
}

/**
 * Sees to it that there is a config file, and resolves with the key of one that was made just now. A server of a fleet has its
 * configuration from the fleet, and none is made for it.
 */
export async function firstKeyOf({ fleet, configFile, configFileGiven }: Config): Promise<string | undefined> {
  if (fleet !== undefined) return undefined
  return await ensureConfigFile({ file: configFile, given: configFileGiven })
}
