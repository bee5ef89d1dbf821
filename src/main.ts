/** Runs the server: reads the configuration, builds the app, listens, and closes gracefully. Only this file exits the process. */
import cluster from 'node:cluster'
import closeWithGrace from 'close-with-grace'
import { describeFatalError } from './app/fatal-error.ts'
import type { Ending } from './app/end-with-grace.ts'
import { onStopSignals, STOP_SIGNALS } from './app/stop-signals.ts'
import type { StopSignal } from './app/stop-signals.ts'
import { readEnvironment } from './config/env/environment.ts'

/** EX_TEMPFAIL of sysexits.h: the remaining events can be delivered later. */
const EXIT_LEFT = 75

async function main(): Promise<void> {
  const config = readEnvironment()
  // Each branch loads only what it needs: a primary has no pipeline, and a server without workers has no primary.
  if (config.workers === undefined) {
    const { runAlone } = await import('./app/alone.ts')
    await runAlone(config, endWithGrace)
  } else if (cluster.isPrimary) {
    const { runPrimary } = await import('./app/workers/primary.ts')
    await runPrimary(config, config.workers, endWithGrace)
  } else {
    const { runWorker } = await import('./app/workers/worker.ts')
    if (!(await runWorker(config, endWithGrace))) process.exit(1)
  }
}

/** @see EndWithGrace */
function endWithGrace({ delayMs, log, close, where }: Ending): () => void {
  // A server with workers handles SIGUSR2; without workers, the signal ends the server.
  const handled = process.listenerCount('SIGUSR2') > 0 ? (['SIGHUP', 'SIGUSR2'] as const) : (['SIGHUP'] as const)
  let asked: StopSignal | undefined
  let isEnding = false
  const skip = [...handled, ...STOP_SIGNALS]
  const ending = closeWithGrace({ delay: delayMs, logger: false, skip }, async ({ signal = asked, err }) => {
    isEnding = true
    if (err !== undefined) log.fatal({ err }, 'the server failed')
    else log.info({ signal }, 'shutting down: finishing requests and accepted events')
    const left = await close()
    if (left === 0) {
      log.info({}, 'stopped; nothing is left to write')
      return
    }
    const todo = 'start the server again, or run "tributary spool drain"'
    log.warn({ bytes: left }, `stopped; ${left} bytes wait for Kafka in ${where}: ${todo}`)
    process.exit(EXIT_LEFT)
  })
  const end = (): void => {
    if (!isEnding) ending.close()
  }
  onStopSignals(
    signal => {
      asked = signal
      end()
    },
    () => process.exit(1)
  )
  return end
}

main().catch((error: unknown) => {
  process.stderr.write(`tributary: ${describeFatalError(error)}\n`)
  process.exit(1)
})
