import type { Compression } from '../../model/record.ts'
import type { RecordHeader } from '../../model/record.ts'
import type { Limits } from '../../model/limits.ts'
import type { TraceSettings } from '../../model/operations/trace-settings.ts'
import type { TrustProxy } from './network-parsers.ts'
import type { Retention } from './parsers.ts'
import type { LOG_LEVELS } from './log-variables.ts'
import type { SASL_MECHANISMS, VariableName } from './variables.ts'

/** The environment, read and checked. Deeply frozen. */
export interface Config {
  readonly host: string
  readonly port: number
  readonly adminHost: string
  readonly adminPort: number
  readonly adminPassword: string | undefined
  readonly configFile: string
  /** Whether CONFIG_FILE was set: a missing file is then an error at the start and is never created. */
  readonly configFileGiven: boolean
  readonly dataDir: string
  /** Undefined: only the event log. */
  readonly kafka: KafkaConfig | undefined
  /** Undefined: the server is in no fleet. */
  readonly fleet: FleetConfig | undefined
  readonly eventsTopic: string
  readonly rejectedTopic: string
  /** Undefined: there are no events about violations. */
  readonly violationsTopic: string | undefined
  readonly publishTimeoutMs: number
  readonly spoolMaxBytes: number
  /** How long a stop waits until Kafka has confirmed the events in the spool. */
  readonly drainOnStopMs: number
  readonly logRetention: Retention
  /** Undefined: none is kept. */
  readonly archive: { readonly dir: string; readonly retention: Retention } | undefined
  readonly dedup: { readonly windowMs: number; readonly maxIds: number }
  /** Whether workers share the messageIds that they made durable. */
  readonly dedupShare: boolean
  readonly validation: 'compatible' | 'strict'
  /** Whether an event that equals an earlier valid one in everything that is checked is not validated again. */
  readonly usePatterns: boolean
  readonly batchPartialStatus: 200 | 400
  readonly limits: Limits
  /** The most bytes of refused bodies that are kept for each source in an hour; 0: none are kept. */
  readonly refusedBytesPerHour: number
  readonly maxConnections: number
  readonly maxConnectionsPerIp: number | undefined
  readonly keepAliveTimeoutMs: number
  readonly trustProxy: TrustProxy
  readonly corsOrigins: '*' | readonly string[]
  /** Without a trailing slash; undefined: taken from each request. */
  readonly publicUrl: string | undefined
  /** PEM texts for both listeners, and their files. */
  readonly tls:
    | { readonly cert: string; readonly key: string; readonly certFile: string; readonly keyFile: string }
    | undefined
  /** The HMAC key with which privacy rules hash. */
  readonly privacyHashKey: string | undefined
  /** `dir`: the folder of signing keys and of used ids, shared by all workers. `keyFile`: the operator's own key file. */
  readonly oauth: { readonly dir: string; readonly keyFile: string | undefined }
  readonly logLevel: (typeof LOG_LEVELS)[number]
  /** Undefined: pretty on a terminal, JSON elsewhere. */
  readonly logFormat: 'json' | 'pretty' | 'ecs' | undefined
  readonly logTime: 'epoch' | 'iso'
  readonly logLevelAs: 'number' | 'name'
  /** Whether the first start prints its write key also if standard output is not a terminal. */
  readonly showFirstKey: 'terminal' | 'always'
  /** Undefined: no request is traced. */
  readonly traces: TraceSettings | undefined
  readonly shutdownGraceMs: number
  /** The number of processes that share the port; undefined: one process without a primary. */
  readonly workers: number | undefined
  /** The variables whose values came from files, with the files. */
  readonly files: Readonly<Partial<Record<VariableName, string>>>
  /** Every variable's value in force, as an operator would write it. Secrets are left out. */
  readonly effective: readonly EffectiveVariable[]
  /** Warnings for the log at the start, about variables that look like a misspelling of ours. */
  readonly warnings: readonly string[]
}

/** PEM texts. */
export interface KafkaSsl {
  /** Undefined: the system's certificate authorities. */
  readonly ca: string | undefined
  /** The client certificate, with its key, for brokers that ask for one. */
  readonly cert: string | undefined
  readonly key: string | undefined
  readonly passphrase: string | undefined
}

/** The SASL credentials for the brokers. */
export type KafkaSasl =
  | {
      readonly mechanism: Exclude<(typeof SASL_MECHANISMS)[number], 'OAUTHBEARER' | 'AWS_MSK_IAM'>
      readonly username: string
      readonly password: string
    }
  | {
      readonly mechanism: 'OAUTHBEARER'
      readonly tokenUrl: string
      readonly clientId: string
      readonly clientSecret: string
      readonly scope: string | undefined
      readonly audience: string | undefined
    }
  | { readonly mechanism: 'AWS_MSK_IAM'; readonly region: string }

export interface KafkaConfig {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[]
  readonly ssl: KafkaSsl | undefined
  readonly sasl: KafkaSasl | undefined
  /** With `{host}` replaced by the name of the machine. */
  readonly clientId: string
  readonly headers: readonly RecordHeader[]
  readonly compression: Compression
  readonly createTopics: boolean
  readonly recreateAfterMs: number
  readonly partitions: number
  /** Undefined: the broker's default. */
  readonly replicationFactor: number | undefined
}

export interface FleetConfig {
  readonly name: string
  /** Undefined: derived from the host's name and the port. */
  readonly serverName: string | undefined
  /** Undefined: derived from ADMIN_HOST and ADMIN_PORT. */
  readonly adminUrl: string | undefined
}

export interface EffectiveVariable {
  readonly name: VariableName
  /** Undefined if it is not set and has no default. */
  readonly value: string | undefined
  readonly isDefault: boolean
}
