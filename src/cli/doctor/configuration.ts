import { topicNames } from '../../app/topic-names.ts'
import { isLoopback } from '../../debugger/access/loopback.ts'
import type { Config } from '../../config/env/config.ts'
import { readConfigFileName, readEnvironment } from '../../config/env/environment.ts'
import { parseTributaryFile } from '../../config/file/tributary-file.ts'
import { checkTopics } from '../../ingest/route/topic-conflicts.ts'
import { isConfigError } from '../../model/config-error.ts'
import { LIMIT_NAMES, LIMIT_VARIABLES } from '../../model/limits.ts'
import type { KeyedTributaryFile, ParseTributaryFile } from '../../model/tributary-file.ts'
import { readKeyEntry } from '../../keys/key-digest.ts'
import { readKeysFile } from '../keys/keys-file.ts'
import { readFleetVersion } from './fleet.ts'
import type { Finding } from './finding.ts'
import { counted } from '../counted.ts'

export interface Checked {
  /** Undefined if the environment cannot be used. */
  readonly config: Config | undefined
  /** Undefined if the config file cannot be used. */
  readonly file: KeyedTributaryFile | undefined
  readonly findings: Finding[]
}

/** The development default of docker-compose.yml, which is public. */
const KNOWN_PASSWORD = 'tributary-dev'
const SHORT_PASSWORD_CHARS = 10
const SHORT_KEY_CHARS = 16

/** Checks the environment, the configuration of the server or of its fleet, its keys and the addresses. A ConfigError becomes a finding. */
export async function checkConfiguration(): Promise<Checked> {
  const findings: Finding[] = []
  const config = await attempt(
    findings,
    () => readEnvironment(),
    'Correct these variables; "tributary config" shows all.'
  )
  for (const says of config?.warnings ?? []) {
    findings.push({ level: 'warning', area: 'configuration', says, todo: 'Rename or remove it.' })
  }
  const warn = (says: string, todo: string): void =>
    void findings.push({ level: 'warning', area: 'configuration', says, todo })
  const parse = config && checkTopics(parseTributaryFile, topicNames(config), warn)
  const { name, file } = await readFile(findings, config, parse)
  if (config !== undefined) findings.push(...checkAddresses(config))
  if (file !== undefined) findings.push(...checkSources(name, file))
  if (config !== undefined && file !== undefined) findings.push(...checkLimits(config, file))
  return { config, file, findings }
}

/** Reads what the server uses: the version of its fleet, otherwise CONFIG_FILE. */
async function readFile(
  findings: Finding[],
  config: Config | undefined,
  parse: ParseTributaryFile | undefined
): Promise<{ readonly name: string; readonly file: KeyedTributaryFile | undefined }> {
  const reading = config?.fleet && (await readFleetVersion(config))
  findings.push(...(reading?.findings ?? []))
  const version = reading?.version
  if (version !== undefined) {
    const name = `version ${version.version} of the fleet`
    const todo = 'Correct it with "tributary config pull", an editor and "tributary config push".'
    return { name, file: await attempt(findings, () => (parse ?? parseTributaryFile)(version.text, name), todo) }
  }
  const name = readConfigFileName()
  if (reading?.needsFile === false) return { name, file: undefined }
  const todo = `Correct ${name}, or create one with "tributary init"; "tributary config check" checks it.`
  return { name, file: await attempt(findings, () => readKeysFile(name, parse), todo) }
}

async function attempt<T>(findings: Finding[], read: () => T | Promise<T>, todo: string): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (!isConfigError(error)) throw error
    for (const says of error.problems) findings.push({ level: 'problem', area: 'configuration', says, todo })
    return undefined
  }
}

function checkSources(name: string, { file, writeKeys }: KeyedTributaryFile): Finding[] {
  const found: Finding[] = []
  const enabled = file.sources.filter(source => source.enabled)
  if (enabled.length === 0) {
    found.push({
      level: 'problem',
      area: 'keys',
      says: `${name} has no source that is enabled: every event is refused with 401`,
      todo: 'Add one with "tributary keys add ID --create", or set enabled: true.'
    })
  } else {
    const counts = `${counted(enabled.length, 'source')} enabled, ${counted(writeKeys.size, 'write key')}`
    found.push({ level: 'ok', area: 'keys', says: counts })
  }
  const short = [...writeKeys].filter(([entry]) => readKeyEntry(entry).length < SHORT_KEY_CHARS).map(([, { id }]) => id)
  if (short.length > 0) {
    found.push({
      level: 'warning',
      area: 'keys',
      says: `short write keys can be guessed (${[...new Set(short)].join(', ')})`,
      todo: 'Replace them with "tributary keys rotate ID --keep".'
    })
  }
  return found
}

function checkAddresses(config: Config): Finding[] {
  const found: Finding[] = []
  const { adminHost, adminPassword, host, tls, publicUrl } = config
  if (adminPassword === undefined && !isLoopback(adminHost)) {
    found.push({
      level: 'problem',
      area: 'addresses',
      says: `the admin listener is bound to ${adminHost} without ADMIN_PASSWORD: the debugger is off`,
      todo: 'Set ADMIN_PASSWORD, or ADMIN_HOST=127.0.0.1.'
    })
  }
  const isWeak =
    adminPassword === KNOWN_PASSWORD || (adminPassword ?? KNOWN_PASSWORD.repeat(2)).length < SHORT_PASSWORD_CHARS
  if (isWeak) {
    found.push({
      level: 'warning',
      area: 'addresses',
      says: 'ADMIN_PASSWORD is short, or the default for development that everybody knows',
      todo: 'Set one of at least 20 random characters wherever others can reach the admin port.'
    })
  }
  if (tls === undefined && !isLoopback(host) && !(publicUrl ?? '').startsWith('https:')) {
    found.push({
      level: 'note',
      area: 'addresses',
      says: `events are taken on ${host} without TLS`,
      todo: 'Put a proxy with TLS in front and say so with PUBLIC_URL=https://..., or set TLS_CERT and TLS_KEY.'
    })
  }
  if (tls !== undefined && publicUrl?.startsWith('http:') === true) {
    found.push({
      level: 'problem',
      area: 'addresses',
      says: `PUBLIC_URL is ${publicUrl}, but the server speaks TLS: SDKs would be sent to the wrong address`,
      todo: 'Write https:// in PUBLIC_URL.'
    })
  }
  return found
}

/** Checks that no source's limit exceeds the server's, which would have no effect. */
function checkLimits({ limits }: Config, { file }: KeyedTributaryFile): Finding[] {
  return file.sources.flatMap(({ id, limits: own = {} }) =>
    LIMIT_NAMES.flatMap((name): Finding[] => {
      const [asked, most] = [own[name] ?? 0, limits[name]]
      if (asked <= most) return []
      const variable = LIMIT_VARIABLES[name]
      const says = `source ${id} has limits.${name} of ${asked}, but ${variable} is ${most}: the smaller one counts`
      return [
        { level: 'warning', area: 'configuration', says, todo: `Raise ${variable} to ${asked}, or lower the limit.` }
      ]
    })
  )
}
