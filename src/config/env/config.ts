import type { Compression } from '../../model/record.ts'
import type { RecordHeader } from '../../model/record.ts'
import type { Limits } from '../../model/limits.ts'
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
  /** Whether CONFIG_FILE was set: then a missing file is a start error, and none is ever made. */
  readonly configFileGiven: boolean
  readonly dataDir: string
  /** Undefined: the event log alone. */
  readonly kafka: KafkaConfig | undefined
  /** Undefined: the server stands alone. */
  readonly fleet: FleetConfig | undefined
  readonly eventsTopic: string
  readonly rejectedTopic: string
  readonly publishTimeoutMs: number
  readonly spoolMaxBytes: number
  /** So long a stop waits until Kafka has what is in the spool. */
  readonly drainOnStopMs: number
  readonly logRetention: Retention
  readonly dedup: { readonly windowMs: number; readonly maxIds: number }
  /** Whether workers tell each other the messageIds that they made durable. */
  readonly dedupShare: boolean
  readonly validation: 'compatible' | 'strict'
  /** Whether an event that is like one that passed is not judged again. */
  readonly usePatterns: boolean
  readonly batchPartialStatus: 200 | 400
  readonly limits: Limits
  /** Of refused bodies, for each source; 0: none is kept. */
  readonly refusedBytesPerHour: number
  readonly maxConnections: number
  readonly maxConnectionsPerIp: number | undefined
  readonly keepAliveTimeoutMs: number
  readonly trustProxy: TrustProxy
  readonly corsOrigins: '*' | readonly string[]
  /** Without a trailing slash; undefined: taken from each request. */
  readonly publicUrl: string | undefined
  /** PEM texts, for both listeners, and the files that they are in. */
  readonly tls:
    | { readonly cert: string; readonly key: string; readonly certFile: string; readonly keyFile: string }
    | undefined
  /** Of the HMAC that privacy rules hash with. */
  readonly privacyHashKey: string | undefined
  /** The folder of keys that sign tokens and of ids that were used, for all workers together; and the operator's own key file. */
  readonly oauth: { readonly dir: string; readonly keyFile: string | undefined }
  readonly logLevel: (typeof LOG_LEVELS)[number]
  /** Undefined: pretty on a terminal, JSON elsewhere. */
  readonly logFormat: 'json' | 'pretty' | 'ecs' | undefined
  readonly logTime: 'epoch' | 'iso'
  readonly logLevelAs: 'number' | 'name'
  /** Whether the first start prints its write key where standard output is no terminal, too. */
  readonly showFirstKey: 'terminal' | 'always'
  readonly shutdownGraceMs: number
  /** Processes that share the port; undefined: one process without a primary. */
  readonly workers: number | undefined
  /** The variables whose values came from files, and those files. */
  readonly files: Readonly<Partial<Record<VariableName, string>>>
  /** Every variable as it is in force, in the operator's own notation; secrets are not in it. */
  readonly effective: readonly EffectiveVariable[]
  /** For the log at start: variables that look like a misspelling of ours. */
  readonly warnings: readonly string[]
}

/** PEM texts. */
export interface KafkaSsl {
  /** Undefined: the system's authorities. */
  readonly ca: string | undefined
  /** With its key, where the brokers want to know who connects. */
  readonly cert: string | undefined
  readonly key: string | undefined
  readonly passphrase: string | undefined
}

/** Who the server is to the brokers. */
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
  /** With the name of the machine in it. */
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
  /** Undefined: made of the host's name and the port. */
  readonly serverName: string | undefined
  /** Undefined: made of ADMIN_HOST and ADMIN_PORT. */
  readonly adminUrl: string | undefined
}

export interface EffectiveVariable {
  readonly name: VariableName
  /** Undefined: nothing is set and there is no default. */
  readonly value: string | undefined
  readonly isDefault: boolean
}
