import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createApp } from '../../app/compose.ts'
import type { Config } from '../../config/env/config.ts'
import { readEnvironment } from '../../config/env/environment.ts'
import { lockDataDir } from '../../durability/data-dir-lock.ts'
import { readSpoolStatus } from '../../durability/spool/status.ts'
import type { SpoolStatus } from '../../durability/spool/status.ts'
import { recordFolders } from '../../fleet/workers/folders.ts'
import { createLogger } from '../../telemetry/logger.ts'
import type { Command } from '../command.ts'
import { CommandFailed, EventsLeft, parseArguments, UsageError } from '../command.ts'

const POLL_MS = 100
const DEFAULT_TIMEOUT_SECONDS = '60'

export const spoolStatus: Command = {
  help: `Usage: tributary spool status [DIR] [--json]

Shows what waits for Kafka in a data folder (default: DATA_DIR), and what Kafka refused for good. A server may be running.
Exit code 75 if something waits.

  --json   as JSON

Examples:
  tributary spool status
  tributary spool status /var/lib/tributary/data`,
  async run(args, terminal) {
    const { positionals, flags } = parseArguments(args, {
      options: { json: { type: 'boolean' } },
      positionals: ['[DIR]']
    })
    const status = await readSpoolStatuses(positionals[0] ?? readEnvironment().dataDir)
    const { dir, bytes, segments, refused } = status
    if (flags.has('json')) terminal.out(JSON.stringify(status))
    else {
      const files = segments === 1 ? 'one file' : `${segments} files`
      terminal.out(
        bytes === 0 ? `nothing waits for Kafka in ${dir}` : `${bytes} bytes in ${files} wait for Kafka in ${dir}`
      )
      if (refused > 0) {
        terminal.out(
          `Kafka refused ${refused === 1 ? 'one record' : `${refused} records`}: see "tributary refused list"`
        )
      }
    }
    if (bytes > 0) throw new EventsLeft('')
  }
}

export const spoolDrain: Command = {
  help: `Usage: tributary spool drain [DIR] [--timeout SECONDS]

Sends the spool of a data folder (default: DATA_DIR) to Kafka, routed by the configuration in force, without listening.
No server may use the folder. KAFKA_BROKERS and its variables name the cluster. Exit code 75 if something is left.

  --timeout SECONDS   how long to try (default: ${DEFAULT_TIMEOUT_SECONDS})

Examples:
  tributary spool drain
  tributary spool drain /mnt/old-server/data --timeout 600`,
  async run(args, terminal) {
    const parsed = parseArguments(args, { options: { timeout: { type: 'string' } }, positionals: ['[DIR]'] })
    const seconds = Number(parsed.texts['timeout'] ?? DEFAULT_TIMEOUT_SECONDS)
    if (!(seconds > 0)) throw new UsageError('--timeout is a number of seconds')
    const environment = readEnvironment()
    const config = { ...environment, dataDir: parsed.positionals[0] ?? environment.dataDir }
    if (config.kafka === undefined) throw new CommandFailed('KAFKA_BROKERS is not set: there is no Kafka to drain to')
    const lock = await lockDataDir(config.dataDir)
    try {
      for (const dataDir of await recordFolders(config.dataDir)) await drainFolder(config, dataDir, seconds)
    } finally {
      await lock.release()
    }
    const { dir, bytes } = await readSpoolStatuses(config.dataDir)
    if (bytes > 0) throw new EventsLeft(`${bytes} bytes still wait for Kafka in ${dir}`)
    terminal.out(`nothing waits for Kafka in ${dir}`)
  }
}

/** Sends the events of one folder, for at most `seconds`. The caller has the lock of DATA_DIR; a worker's folder has its own. */
async function drainFolder(config: Config, dataDir: string, seconds: number): Promise<void> {
  const lock = dataDir === config.dataDir ? undefined : await lockDataDir(dataDir)
  try {
    const app = await createApp({
      config: { ...config, dataDir },
      logger: createLogger({ ...config, logLevel: 'warn' })
    })
    try {
      const end = performance.now() + seconds * 1_000
      while (app.backlogBytes() > 0 && performance.now() < end) await sleep(POLL_MS)
    } finally {
      await app.close()
    }
  } finally {
    await lock?.release()
  }
}

/** The state of the spool in DATA_DIR and in its workers' folders. */
async function readSpoolStatuses(dataDir: string): Promise<SpoolStatus> {
  const dirs = await recordFolders(dataDir)
  const all = await Promise.all(dirs.map(readSpoolStatus))
  const sum = (name: 'bytes' | 'segments' | 'refused'): number => all.reduce((total, one) => total + one[name], 0)
  const dir = all.length === 1 && all[0] !== undefined ? all[0].dir : join(dataDir, 'worker-*', 'spool')
  return { dir, bytes: sum('bytes'), segments: sum('segments'), refused: sum('refused') }
}
