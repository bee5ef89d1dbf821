/** The disk under DATA_DIR: how full it is, and when it will be. */
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Config } from '../../config/env/config.ts'
import type { DiskReading } from '../../durability/disk-usage.ts'
import { readDisk } from '../../durability/disk-usage.ts'
import { recordFolders } from '../../fleet/workers/folders.ts'
import { FULL_SOON_MS, fullInWords } from '../../model/operations/disk-words.ts'

const INTERVAL_MS = 15_000

export interface DiskWatch {
  /** The last look at the disk; undefined until there was one, and while the folder cannot be looked at. */
  reading(): DiskReading | undefined
}

/** Looks at the disk now, and every 15 s until the listener that shows it is closed. */
export async function watchDisk(config: Config, shownBy: Pick<FastifyInstance, 'addHook'>): Promise<DiskWatch> {
  let reading: DiskReading | undefined
  const look = async (): Promise<void> => void (reading = await lookAtDisk(config, Date.now()).catch(() => undefined))
  const timer = setInterval(() => void look(), INTERVAL_MS).unref()
  shownBy.addHook('onClose', async () => clearInterval(timer))
  await look()
  return { reading: () => reading }
}

/**
 * Rejects with the file system's error.
 *
 * @returns with the time until the disk is full only where events are kept for good: without Kafka, and with LOG_RETENTION=keep
 */
export async function lookAtDisk(config: Config, now: number): Promise<DiskReading> {
  return readDisk(config.dataDir, keepsForGood(config) ? await recordFolders(config.dataDir) : [], now)
}

function keepsForGood({ kafka, logRetention: { maxAgeMs, maxBytes } }: Config): boolean {
  return kafka === undefined && maxAgeMs === undefined && maxBytes === undefined
}

/** Says at the start when a log that is kept for good will have filled the disk. Never rejects. */
export async function sayWhenFull(config: Config, logger: Logger): Promise<void> {
  const { freeBytes, fullInMs } = (await lookAtDisk(config, Date.now()).catch(() => undefined)) ?? {}
  const words = fullInWords(fullInMs)
  if (fullInMs === undefined || words === undefined) return
  const level = fullInMs < FULL_SOON_MS ? 'warn' : 'info'
  const todo = 'LOG_RETENTION=keep keeps all events: set an age or a size, or move old segments'
  logger[level]({ dir: config.dataDir, freeBytes }, `the disk is ${words}; ${todo}`)
}
