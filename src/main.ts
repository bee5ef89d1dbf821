/** One run of the server: read the configuration, build the app, listen, and close with grace. The only file that exits. */
import closeWithGrace from 'close-with-grace'
import { createApp } from './app.ts'
import { banner } from './banner.ts'
import { readEnvironment } from './config/environment.ts'
import { onHangUp } from './hang-up.js'
import { ensureConfigFile } from './keys/first-file.ts'
import { ConfigError, isConfigError } from './model/config-error.ts'
import { lockDataDir } from './sinks/data-dir-lock.ts'
import { createLogger } from './telemetry/logger.ts'

/** EX_TEMPFAIL of sysexits.h: what is left can be delivered later. */
const EXIT_LEFT = 75

async function main(): Promise<void> {
  const config = readEnvironment()
  const logger = createLogger(config.logLevel)
  for (const warning of config.warnings) logger.warn(warning)
  const firstKey = await ensureConfigFile({ file: config.configFile, given: config.configFileGiven })
  const lock = await lockDataDir(config.dataDir)
  const app = await createApp({ config, logger })

  onHangUp(() => {
    logger.info('SIGHUP: reading the config file and the certificate again')
    app.reload()
  })
  const delay = config.shutdownGraceMs + config.drainOnStopMs
  closeWithGrace({ delay, logger: false, skip: ['SIGHUP'] }, async ({ signal, err }) => {
    if (err !== undefined) logger.fatal({ err }, 'the server failed')
    else logger.info({ signal }, 'shutting down: finishing what was taken')
    await app.close()
    await lock.release()
    const left = app.backlogBytes()
    if (left === 0) {
      logger.info('stopped; nothing is left to write')
      return
    }
    const todo = 'start the server again, or run "tributary spool drain"'
    logger.warn({ bytes: left }, `stopped; ${left} bytes wait for Kafka in ${config.dataDir}/spool: ${todo}`)
    process.exit(EXIT_LEFT)
  })

  const urls = await app.listen()
  logger.info(urls, 'listening')
  if (firstKey !== undefined) process.stdout.write(banner({ key: firstKey, file: config.configFile, ...urls }))

  const problems = await app.topicProblems()
  if (problems.length === 0) return
  // What was taken until now is durable: in Kafka, or in the spool.
  await app.close()
  await lock.release()
  throw new ConfigError(problems)
}

main().catch((error: unknown) => {
  // What is the operator's to mend is said in words, without a stack.
  const words =
    error instanceof Error ? (isConfigError(error) || 'code' in error ? error.message : error.stack) : String(error)
  process.stderr.write(`tributary: ${words}\n`)
  process.exit(1)
})
