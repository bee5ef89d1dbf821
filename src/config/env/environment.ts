import { hostname } from 'node:os'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import type { Config, EffectiveVariable, KafkaConfig } from './config.ts'
import { ConfigError } from '../../model/config-error.ts'
import { hideUrlSecrets } from '../../model/operations/hide-url-secrets.ts'
import { archiveContradictions } from './archive-environment.ts'
import { deepFreeze } from '../deep-freeze.ts'
import { suggest } from '../suggest.ts'
import { toTraces, tracesContradictions } from './otel-environment.ts'
import { kafkaContradictions, toKafkaSasl, toKafkaSsl } from './kafka-environment.ts'
import { readSecretFiles, SECRET_FILE_NAMES } from './secret-files.ts'
import type { Variable } from './variable.ts'
import type { Values, VariableName } from './variables.ts'
import { VARIABLE_NAMES, VARIABLES } from './variables.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads the server's configuration from environment variables. An empty variable counts as not set, because Compose files
 * write it so. Throws ConfigError that names every mistake at once.
 */
export function readEnvironment(given: Environment = process.env): Config {
  const { env, files, problems: unread } = readSecretFiles(given)
  const problems: string[] = [...unread]
  const values = {} as Record<VariableName, unknown>
  for (const name of VARIABLE_NAMES) {
    const text = typed(env, name) ?? defaultOf(env, name)
    try {
      values[name] = text === undefined ? undefined : VARIABLES[name].parse(text)
    } catch (error) {
      problems.push(`${name}=${shown(name, text)}: ${(error as Error).message}`)
    }
  }
  if (problems.length === 0) problems.push(...contradictions(values as Values))
  if (problems.length > 0) throw new ConfigError(problems)
  return deepFreeze(toConfig(values as Values, env, files))
}

/** Reads only CONFIG_FILE, for commands that must work while other variables are wrong. */
export function readConfigFileName(env: Environment = process.env): string {
  return typed(env, 'CONFIG_FILE') ?? VARIABLES.CONFIG_FILE.default ?? ''
}

/** Reads only DATA_DIR, for the same reason. */
export function readDataDirName(env: Environment = process.env): string {
  return typed(env, 'DATA_DIR') ?? VARIABLES.DATA_DIR.default ?? ''
}

/** Reads only PUBLIC_URL, unchanged; undefined if it is not set. */
export function readPublicUrl(env: Environment = process.env): string | undefined {
  return typed(env, 'PUBLIC_URL')
}

/** Reads the whole configuration if FLEET is true. Otherwise returns undefined, even if other variables are wrong. */
export function readFleetEnvironment(env: Environment = process.env): Config | undefined {
  const isFleet = VARIABLES.FLEET.parse(typed(env, 'FLEET') ?? VARIABLES.FLEET.default ?? 'false')
  return isFleet ? readEnvironment(env) : undefined
}

/** The default of a variable, which for some variables depends on VALIDATION. */
function defaultOf(env: Environment, name: VariableName): string | undefined {
  const { default: inCompatible, strictDefault = inCompatible }: Variable<unknown> = VARIABLES[name]
  return typed(env, 'VALIDATION')?.toLowerCase() === 'strict' ? strictDefault : inCompatible
}

function typed(env: Environment, name: VariableName): string | undefined {
  const text = env[name]
  if (text === undefined || text.trim() === '') return undefined
  return isSecret(name) ? text : text.trim()
}

const isSecret = (name: VariableName): boolean => (VARIABLES[name] as Variable<unknown>).secret === true

const MAX_SHOWN_CHARS = 100

function shown(name: VariableName, text: string | undefined): string {
  if (isSecret(name)) return '(hidden)'
  // KAFKA_BROKERS or PUBLIC_URL may contain a pasted URL with its password.
  const harmless = hideUrlSecrets(text ?? '').replaceAll(/[^,\s]*@/g, '(hidden)@')
  return JSON.stringify(harmless.length > MAX_SHOWN_CHARS ? `${harmless.slice(0, MAX_SHOWN_CHARS)}...` : harmless)
}

/** Problems with combinations of variables. */
function contradictions(values: Values): string[] {
  const found = hashKeyProblems(values)
  found.push(...together(values, ['TLS_CERT', 'TLS_KEY']))
  found.push(...kafkaContradictions(values))
  if (values.FLEET && (values.KAFKA_BROKERS ?? []).length === 0) {
    found.push('FLEET=true needs KAFKA_BROKERS: the servers of a fleet talk through Kafka')
  }
  found.push(...archiveContradictions(values), ...tracesContradictions(values))
  if (values.MAX_PUBLISH_BYTES < values.MAX_BATCH_BYTES) {
    found.push('MAX_PUBLISH_BYTES is less than MAX_BATCH_BYTES: no full batch could be published; raise it too')
  }
  const { HOST, ADMIN_HOST, PORT, ADMIN_PORT } = values
  const meet = HOST === ADMIN_HOST || [HOST, ADMIN_HOST].some(host => host === '0.0.0.0' || host === '::')
  if (PORT === ADMIN_PORT && PORT !== 0 && meet) {
    found.push(`PORT and ADMIN_PORT are both ${PORT}: the two listeners need different ports`)
  }
  if (values.TLS_CERT !== undefined && values.TLS_KEY !== undefined) {
    try {
      createSecureContext({ cert: values.TLS_CERT, key: values.TLS_KEY })
    } catch (error) {
      found.push(`TLS_CERT and TLS_KEY cannot be used together: ${(error as Error).message}`)
    }
  }
  return found
}

const LEAST_HASH_KEY_CHARS = 16

function hashKeyProblems({ PRIVACY_HASH_KEY: key, PRIVACY_HASH_KEY_FILE: fromFile }: Values): string[] {
  if (key !== undefined && fromFile !== undefined) return ['PRIVACY_HASH_KEY and PRIVACY_HASH_KEY_FILE are both set']
  const given = key ?? fromFile
  if (given === undefined || given.length >= LEAST_HASH_KEY_CHARS) return []
  return [`PRIVACY_HASH_KEY is shorter than ${LEAST_HASH_KEY_CHARS} characters`]
}

function together(values: Values, names: readonly VariableName[]): string[] {
  const missing = names.filter(name => values[name] === undefined)
  const given = names.filter(name => values[name] !== undefined)
  return missing.length === 0 || given.length === 0 ? [] : [`${given.join(' and ')} needs ${missing.join(' and ')} too`]
}

function toConfig(values: Values, env: Environment, secretFiles: Config['files']): Config {
  const files = { ...secretFiles, ...pemFiles(env) }
  return {
    host: values.HOST,
    port: values.PORT,
    adminHost: values.ADMIN_HOST,
    adminPort: values.ADMIN_PORT,
    adminPassword: values.ADMIN_PASSWORD,
    configFile: values.CONFIG_FILE,
    configFileGiven: typed(env, 'CONFIG_FILE') !== undefined,
    dataDir: values.DATA_DIR,
    kafka: toKafka(values),
    fleet: values.FLEET
      ? { name: values.FLEET_NAME, serverName: values.SERVER_NAME, adminUrl: values.ADMIN_URL }
      : undefined,
    eventsTopic: values.EVENTS_TOPIC,
    rejectedTopic: values.REJECTED_TOPIC,
    violationsTopic: values.VIOLATIONS_TOPIC,
    publishTimeoutMs: values.PUBLISH_TIMEOUT,
    spoolMaxBytes: values.SPOOL_MAX_BYTES,
    drainOnStopMs: values.DRAIN_ON_STOP,
    logRetention: values.LOG_RETENTION,
    archive: values.ARCHIVE === undefined ? undefined : { dir: values.ARCHIVE, retention: values.ARCHIVE_RETENTION },
    dedup: { windowMs: values.DEDUP_WINDOW, maxIds: values.DEDUP_MAX_IDS },
    dedupShare: values.DEDUP_SHARE === 'on',
    validation: values.VALIDATION,
    usePatterns: values.PATTERNS,
    batchPartialStatus: values.BATCH_PARTIAL_STATUS,
    limits: {
      maxEventBytes: values.MAX_EVENT_BYTES,
      maxBatchBytes: values.MAX_BATCH_BYTES,
      maxBatchEvents: values.MAX_BATCH_EVENTS,
      maxPublishBytes: values.MAX_PUBLISH_BYTES
    },
    refusedBytesPerHour: values.REFUSED_BODIES_PER_HOUR,
    maxConnections: values.MAX_CONNECTIONS,
    maxConnectionsPerIp: values.MAX_CONNECTIONS_PER_IP,
    keepAliveTimeoutMs: values.KEEP_ALIVE_TIMEOUT,
    trustProxy: values.TRUST_PROXY,
    corsOrigins: values.CORS_ORIGINS,
    publicUrl: values.PUBLIC_URL,
    tls: toTls(values, env),
    privacyHashKey: values.PRIVACY_HASH_KEY ?? values.PRIVACY_HASH_KEY_FILE,
    oauth: { dir: join(values.DATA_DIR, 'oauth'), keyFile: values.OAUTH_SIGNING_KEY_FILE },
    logLevel: values.LOG_LEVEL,
    logFormat: values.LOG_FORMAT,
    logTime: values.LOG_TIME,
    logLevelAs: values.LOG_LEVEL_AS,
    showFirstKey: values.SHOW_FIRST_KEY,
    traces: toTraces(values),
    shutdownGraceMs: values.SHUTDOWN_GRACE,
    workers: values.WORKERS,
    files,
    effective: VARIABLE_NAMES.map(name => effective(env, name, secretFiles[name])),
    warnings: misspellings(env)
  }
}

/** The variables that name a file. */
const PEM_VARIABLES = ['TLS_CERT', 'TLS_KEY', 'KAFKA_SSL_CA', 'KAFKA_SSL_CERT', 'KAFKA_SSL_KEY'] as const

function pemFiles(env: Environment): Config['files'] {
  const named = PEM_VARIABLES.map(name => [name, typed(env, name)] as const)
  return Object.fromEntries(named.filter(([, file]) => file !== undefined))
}

function toTls({ TLS_CERT: cert, TLS_KEY: key }: Values, env: Environment): Config['tls'] {
  const [certFile, keyFile] = [typed(env, 'TLS_CERT'), typed(env, 'TLS_KEY')]
  if (cert === undefined || key === undefined || certFile === undefined || keyFile === undefined) return undefined
  return { cert, key, certFile, keyFile }
}

function toKafka(values: Values): KafkaConfig | undefined {
  const { KAFKA_BROKERS: brokers } = values
  if (brokers === undefined || brokers.length === 0) return undefined
  return {
    brokers,
    ssl: toKafkaSsl(values),
    sasl: toKafkaSasl(values),
    clientId: values.KAFKA_CLIENT_ID.replaceAll('{host}', hostname()),
    headers: values.KAFKA_HEADERS,
    compression: values.KAFKA_COMPRESSION,
    createTopics: values.KAFKA_CREATE_TOPICS,
    recreateAfterMs: values.KAFKA_RECREATE_AFTER,
    partitions: values.KAFKA_PARTITIONS,
    replicationFactor: values.KAFKA_REPLICATION_FACTOR
  }
}

function effective(env: Environment, name: VariableName, file: string | undefined): EffectiveVariable {
  const given = typed(env, name)
  const hidden = file === undefined ? '(hidden)' : `(hidden, from ${file})`
  const harmless = given === undefined ? defaultOf(env, name) : hideUrlSecrets(given)
  const value = given !== undefined && isSecret(name) ? hidden : harmless
  return { name, value, isDefault: given === undefined }
}

/** Names that other programs use for one of our variables. */
const OTHER_NAMES: ReadonlyMap<string, VariableName> = new Map([['KAFKA_BOOTSTRAP_SERVERS', 'KAFKA_BROKERS']])

/** Shorter names are similar to too many names of other programs. */
const SHORTEST_MISSPELT = 6

const PREFIX = /^TRIBUTARY_/i

function misspellings(env: Environment): string[] {
  const known = [...VARIABLE_NAMES, ...SECRET_FILE_NAMES]
  const names = Object.keys(env).filter(name => !known.includes(name) && !isOfOthers(name, env[name]))
  return names.flatMap(name => {
    const meant = OTHER_NAMES.get(name) ?? suggest(name.replace(PREFIX, ''), known, SHORTEST_MISSPELT)
    if (meant !== undefined) return [`${name} is set, but is not a variable of Tributary: did you mean ${meant}?`]
    return PREFIX.test(name) ? [`${name} is set, but is not a variable of Tributary`] : []
  })
}

/**
 * Whether the variable is for others: OTEL_BLRP_* is OpenTelemetry's batch processor of logs, and Kubernetes sets
 * TRIBUTARY_PORT=tcp://... and similar ones in every pod for a service of that name.
 */
function isOfOthers(name: string, value: string | undefined): boolean {
  if (name.startsWith('OTEL_BLRP_')) return true
  return /_SERVICE_(HOST|PORT)|_PORT_\d+_(TCP|UDP)/.test(name) || /^(tcp|udp):\/\//.test(value ?? '')
}
