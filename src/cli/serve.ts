import '../hang-up.js'
import '../keep-ticks.js'
import type { Command } from './command.ts'
import { parseArguments } from './command.ts'

export const serve: Command = {
  help: `Usage: tributary serve

Runs the server until SIGTERM or SIGINT. SIGHUP makes it read tributary.yml and the certificate again. It takes no options: environment variables configure it,
"tributary config" prints them.

Examples:
  tributary serve
  PORT=8080 KAFKA_BROKERS=kafka-1:9092,kafka-2:9092 tributary serve`,
  async run(args) {
    parseArguments(args, {})
    await import('../main.ts')
  }
}
