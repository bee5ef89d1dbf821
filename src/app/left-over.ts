import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { App } from './compose.ts'
import { createApp } from './compose.ts'
import type { Config } from '../config/env/config.ts'
import { workerFolder } from '../fleet/workers/folders.ts'
import { lockDataDir } from '../durability/data-dir-lock.ts'
import { readSpoolStatus } from '../durability/spool/status.ts'

const POLL_MS = 100
const RETRY_MS = 10_000

export interface LeftoverRelay {
  /** Stops, and resolves with the bytes in these folders that Kafka has not confirmed. */
  stop(): Promise<number>
}

/**
 * Sends the events in the folders of earlier workers to Kafka, one folder at a time, while a server without workers runs.
 * Without Kafka, the folders stay unchanged.
 */
export function relayLeftoverFolders(config: Config, folders: readonly number[], logger: Logger): LeftoverRelay {
  const dirs = folders.map(index => workerFolder(config.dataDir, index))
  let isStopping = false
  const work = relayAll()

  async function relayAll(): Promise<void> {
    if (config.kafka === undefined) return
    for (const dir of dirs) {
      logger.info({ dir }, 'a folder of an earlier worker is left over: its events are sent to Kafka')
      while (!isStopping && !(await tryRelay(dir))) await sleepUnlessStopped(RETRY_MS)
    }
  }

  async function tryRelay(dir: string): Promise<boolean> {
    try {
      const lock = await lockDataDir(dir)
      const app = await createApp({
        config: { ...config, dataDir: dir, traces: undefined },
        logger,
        audit: { audit: () => undefined, dir: undefined }
      })
      try {
        await waitUntilDelivered(app)
      } finally {
        await app.close()
        await lock.release()
      }
      if (app.backlogBytes() === 0) logger.info({ dir }, 'Kafka has all of it')
      return true
    } catch (error) {
      logger.error({ dir, problem: (error as Error).message }, 'a folder of an earlier worker cannot be sent yet')
      return false
    }
  }

  async function waitUntilDelivered(app: App): Promise<void> {
    while (!isStopping && app.backlogBytes() > 0) await sleep(POLL_MS)
  }

  async function sleepUnlessStopped(ms: number): Promise<void> {
    const end = performance.now() + ms
    while (!isStopping && performance.now() < end) await sleep(POLL_MS)
  }

  return {
    async stop() {
      isStopping = true
      await work
      if (config.kafka === undefined) return 0
      const left = await Promise.all(dirs.map(async dir => (await readSpoolStatus(dir)).bytes))
      return left.reduce((sum, bytes) => sum + bytes, 0)
    }
  }
}
