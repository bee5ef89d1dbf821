import { hostname } from 'node:os'
import type { Config } from '../../config/env/config.ts'
import { workerFolder } from '../../fleet/workers/folders.ts'

/**
 * What one of `count` workers runs with: its own folder, and its part of what bounds the server as a whole. Its admin routes
 * are asked by the primary alone, which has checked who asks.
 */
export function workerConfig(config: Config, index: number, count: number): Config {
  const { fleet, logRetention } = config
  const { maxAgeMs, maxBytes } = logRetention
  return {
    ...config,
    dataDir: workerFolder(config.dataDir, index),
    spoolMaxBytes: Math.floor(config.spoolMaxBytes / count),
    logRetention: { maxAgeMs, maxBytes: maxBytes === undefined ? undefined : Math.ceil(maxBytes / count) },
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

/** The primary's admin listener, as far as the configuration tells. */
function urlOfListener({ adminHost, adminPort, tls }: Config): string {
  const host = adminHost === '0.0.0.0' || adminHost === '::' ? hostname() : adminHost
  return `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${adminPort}`
}
