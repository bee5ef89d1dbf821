/** The disk of DATA_DIR: how full it is, and when it will be full. */
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from '../../config/env/config.ts'
import type { DiskReading } from '../../durability/disk-usage.ts'
import { readDisk } from '../../durability/disk-usage.ts'
import { recordFolders } from '../../fleet/workers/folders.ts'
import { FULL_SOON_MS, describeTimeUntilFull } from '../../model/operations/disk-words.ts'

const INTERVAL_MS = 15_000

export interface DiskWatch {
  /** The last reading; undefined before the first one and while the disk cannot be read. */
  reading(): DiskReading | undefined
}

/** Reads the disk's usage now, and every 15 s until the listener `shownBy` is closed. */
export async function watchDisk(config: Config, shownBy: Pick<FastifyInstance, 'addHook'>): Promise<DiskWatch> {
  let reading: DiskReading | undefined
  const look = async (): Promise<void> =>
    void (reading = await readDiskUsage(config, Date.now()).catch(() => undefined))
  const timer = setInterval(() => void look(), INTERVAL_MS).unref()
  shownBy.addHook('onClose', async () => clearInterval(timer))
  await look()
  return { reading: () => reading }
}

/**
 * Reads the disk's usage. Rejects with the file system's error.
 *
 * @returns the time until the disk is full only without Kafka and with LOG_RETENTION=keep, when all events are kept
 */
export async function readDiskUsage(config: Config, now: number): Promise<DiskReading> {
  return readDisk(config.dataDir, keepsAllEvents(config) ? await recordFolders(config.dataDir) : [], now)
}

function keepsAllEvents({ kafka, logRetention: { maxAgeMs, maxBytes } }: Config): boolean {
  return kafka === undefined && maxAgeMs === undefined && maxBytes === undefined
}

/** Logs at the start when a log without retention will fill the disk. Never rejects. */
export async function logDiskForecast(config: Config, logger: Logger): Promise<void> {
  const { freeBytes, fullInMs } = (await readDiskUsage(config, Date.now()).catch(() => undefined)) ?? {}
  const words = describeTimeUntilFull(fullInMs)
  if (fullInMs === undefined || words === undefined) return
  const level = fullInMs < FULL_SOON_MS ? 'warn' : 'info'
  const todo = 'LOG_RETENTION=keep keeps all events: set an age or a size, or move old segments'
  logger[level]({ dir: config.dataDir, freeBytes }, `the disk is ${words}; ${todo}`)
}
