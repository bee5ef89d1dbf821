import type { Config } from '../../config/env/config.ts'
import type { KeyedTributaryFile } from '../../model/tributary-file.ts'
import type { Command, Terminal } from '../command.ts'
import { CommandFailed, parseArguments } from '../command.ts'
import { checkArchive } from './archive.ts'
import { checkConfiguration } from './configuration.ts'
import { checkOrigins } from './cors.ts'
import { checkDisk } from './disk.ts'
import { checkLog } from './log.ts'
import type { Finding } from './finding.ts'
import { checkOAuth } from './oauth.ts'
import { checkServer } from './server.ts'
import { SERVER_HELP, SERVER_OPTIONS } from '../server-address.ts'

const SIGNS = { ok: '✓', note: '·', warning: '!', problem: '✗' } as const

export const doctor: Command = {
  help: `Usage: tributary doctor [--json] [--log] [--key KEY] [--url URL] [--admin URL]

Checks this machine's set-up and says what to change: configuration, keys, OAuth, addresses, CORS, clock, disk, the archive, Kafka
and its topics, and the running server if there is one. It changes nothing. With --url it calls the server through the proxy in front, as
SDKs do, and sends one event ("Doctor Checked"). With FLEET=true it checks the fleet's configuration in place of CONFIG_FILE. Exit code 1
if it finds a problem, 0 if there are only warnings.

  --json          the findings as JSON
  --log           also read the whole log, and list values that common readers cannot read: event, property, count
  --key KEY       the write key to try (default: the first one that the config file has, not as a digest)
${SERVER_HELP}

Examples:
  tributary doctor
  tributary doctor --log --json | jq -c '.[].hardValue // empty'
  tributary doctor --url https://events.example.com
  docker compose exec tributary tributary doctor`,
  async run(args, terminal) {
    const parsed = parseArguments(args, {
      options: { json: { type: 'boolean' }, log: { type: 'boolean' }, key: { type: 'string' }, ...SERVER_OPTIONS }
    })
    const { config, file, findings } = await checkConfiguration()
    if (config !== undefined) {
      if (file !== undefined)
        findings.push(...(await checkOAuth(config, file.file)), ...checkOrigins(config, file.file))
      findings.push(...(await checkDisk(config)), ...(await checkArchive(config)))
      if (parsed.flags.has('log')) findings.push(...(await checkLog(config, terminal.note)))
      findings.push(...(await lookAtKafka(config, file)))
      findings.push(...(await checkServer(config, file, parsed)))
    }
    if (parsed.flags.has('json')) terminal.out(JSON.stringify(findings))
    else print(findings, terminal)
    const problems = findings.filter(({ level }) => level === 'problem').length
    if (problems > 0)
      throw new CommandFailed(problems === 1 ? 'one problem was found' : `${problems} problems were found`)
  }
}

/** Checks Kafka. The module is loaded only if it is needed, because the Kafka client is large. */
async function lookAtKafka(config: Config, file: KeyedTributaryFile | undefined): Promise<Finding[]> {
  if (config.kafka === undefined) {
    return [{ level: 'note', area: 'Kafka', says: 'KAFKA_BROKERS is not set: events go to the log on disk alone' }]
  }
  const { checkKafka } = await import('./kafka.ts')
  const found = await checkKafka(config, config.kafka, file)
  if (config.archive === undefined || found.some(({ area, level }) => area === 'Kafka' && level === 'problem'))
    return found
  const { checkArchiveLag } = await import('./archive-lag.ts')
  return [...found, ...(await checkArchiveLag(config, config.kafka, file))]
}

function print(findings: readonly Finding[], terminal: Terminal): void {
  for (const { level, area, says, todo } of findings) {
    terminal.out(`${SIGNS[level]} ${area.padEnd(14)}${says}`)
    if (todo !== undefined) terminal.out(`${' '.repeat(16)}→ ${todo}`)
  }
}
