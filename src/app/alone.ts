/** Runs a server in one process. */
import { createApp } from './compose.ts'
import { banner, mayShowKey } from './banner.ts'
import type { Config } from '../config/env/config.ts'
import { prepareWithoutWorkers } from '../fleet/workers/folders.ts'
import { onHangUp } from './hang-up.js'
import { logDiskForecast } from './parts/disk.ts'
import { firstKeyOf } from './parts/fleet.ts'
import { ConfigError } from '../model/config-error.ts'
import { lockDataDir } from '../durability/data-dir-lock.ts'
import { createLogger } from '../telemetry/logger.ts'
import type { EndWithGrace } from './end-with-grace.ts'
import { relayLeftoverFolders } from './left-over.ts'

/** Runs the server in this process until a signal. Rejects with a readable Error if the configuration cannot be used. */
export async function runAlone(config: Config, endWithGrace: EndWithGrace): Promise<void> {
  const logger = createLogger(config)
  for (const warning of config.warnings) logger.warn(warning)
  const ownKey = await firstKeyOf(config)
  const lock = await lockDataDir(config.dataDir)
  const folders = await prepareWithoutWorkers(config.dataDir)
  const app = await createApp({ config, logger })
  const leftOver = relayLeftoverFolders(config, folders, logger)

  onHangUp(() => {
    logger.info('SIGHUP: reading the config file and the certificate again')
    app.reload()
  })
  async function close(): Promise<number> {
    const [left] = await Promise.all([leftOver.stop(), app.close()])
    await lock.release()
    return app.backlogBytes() + left
  }
  const delayMs = config.shutdownGraceMs + config.drainOnStopMs
  endWithGrace({ delayMs, log: logger, close, where: `${config.dataDir}/spool` })

  const urls = await app.listen()
  logger.info(urls, 'listening')
  await logDiskForecast(config, logger)
  const key = ownKey ?? app.firstKey
  const file = ownKey === undefined ? 'the fleet' : config.configFile
  if (key !== undefined) process.stdout.write(banner({ key, file, ...urls, isShown: mayShowKey(config) }))

  const problems = await app.topicProblems()
  if (problems.length === 0) return
  // Events accepted until now are durable: in Kafka, or in the spool.
  await close()
  throw new ConfigError(problems)
}
