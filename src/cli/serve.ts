import '../app/hang-up.js'
import '../app/keep-ticks.js'
import { setVariable } from '../config/set-variable.ts'
import type { Command } from './command.ts'
import { parseArguments } from './command.ts'

export const serve: Command = {
  help: `Usage: tributary serve [--workers N|auto]

Runs the server until SIGTERM or SIGINT. After SIGHUP it reads tributary.yml and the certificate again. Environment variables
configure it; "tributary config" prints them.

  --workers N   run N worker processes that share the port, or one per core with auto (default: WORKERS).
                SIGUSR2 replaces them one at a time, without refusing a connection.

Examples:
  tributary serve
  tributary serve --workers auto
  PORT=8080 KAFKA_BROKERS=kafka-1:9092,kafka-2:9092 tributary serve`,
  async run(args) {
    const { texts } = parseArguments(args, { options: { workers: { type: 'string' } } })
    if (texts['workers'] !== undefined) setVariable('WORKERS', texts['workers'])
    await import('../main.ts')
  }
}
