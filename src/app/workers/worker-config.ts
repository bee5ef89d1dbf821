import { hostname } from 'node:os'
import { listenerUrl } from '../../client/address.ts'
import type { Config } from '../../config/env/config.ts'
import { workerFolder } from '../../fleet/workers/folders.ts'

/**
 * The configuration of one of `count` workers: its own folder, and its share of limits that apply to the whole server. Its
 * admin routes need no password, because only the primary calls them, after it has checked the caller.
 */
export function workerConfig(config: Config, index: number, count: number): Config {
  const { fleet, logRetention } = config
  const { maxAgeMs, maxBytes } = logRetention
  return {
    ...config,
    dataDir: workerFolder(config.dataDir, index),
    spoolMaxBytes: Math.floor(config.spoolMaxBytes / count),
    logRetention: { maxAgeMs, maxBytes: maxBytes === undefined ? undefined : Math.ceil(maxBytes / count) },
    // One of them reads what all of them have sent.
    archive: index === 0 ? config.archive : undefined,
    refusedBytesPerHour: Math.ceil(config.refusedBytesPerHour / count),
    maxConnections: Math.ceil(config.maxConnections / count),
    fleet: fleet && {
      ...fleet,
      serverName: `${fleet.serverName ?? `${hostname()}:${config.port}`}/${index}`,
      adminUrl: fleet.adminUrl ?? urlOfListener(config)
    },
    adminHost: '127.0.0.1',
    adminPassword: undefined
  }
}

/** The URL of the primary's admin listener, from the configuration. */
function urlOfListener({ adminHost, adminPort, tls }: Config): string {
  const host = adminHost === '0.0.0.0' || adminHost === '::' ? hostname() : adminHost
  return listenerUrl({ host, port: adminPort, isTls: tls !== undefined })
}
