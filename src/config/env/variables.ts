import { CHOOSABLE_HEADERS, COMPRESSIONS, RECORD_HEADERS } from '../../model/record.ts'
import { DEFAULT_LIMITS, STRICT_MAX_BATCH_BYTES } from '../../model/limits.ts'
import { LOG_VARIABLES } from './log-variables.ts'
import { OTEL_VARIABLES } from './otel-variables.ts'
import * as network from './network-parsers.ts'
import * as parse from './parsers.ts'
import type { Variable } from './variable.ts'
import { byMode, optional, secret, variable } from './variable.ts'

export const SASL_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER', 'AWS_MSK_IAM'] as const

/** All variables that the server reads, in the order of the documentation. */
export const VARIABLES = {
  HOST: variable('127.0.0.1', network.listenHost, 'Address of the tracking API; the image sets 0.0.0.0.'),
  PORT: variable(3000, network.port, 'Port of the tracking API; 0 takes a free one.'),
  ADMIN_HOST: variable('127.0.0.1', network.listenHost, 'Address of the admin listener: health, metrics, debugger.'),
  ADMIN_PORT: variable(3001, network.port, 'Port of the admin listener; 0 takes a free one.'),
  ADMIN_PASSWORD: secret(
    'Password of the user `admin`. Without it the debugger is open on a loopback address and off elsewhere.'
  ),
  CONFIG_FILE: variable(
    'tributary.yml',
    parse.text,
    'Sources, write keys and destinations. Reloaded within 2 s of a change; a broken edit keeps the last good one.'
  ),
  DATA_DIR: variable('data', parse.text, 'Folder of the event log, the spool and the dedupe state.'),
  KAFKA_BROKERS: optional('empty', network.brokers, 'Brokers as `host:port,host:port`; empty: the event log alone.'),
  KAFKA_SSL: variable('false', parse.boolean, 'TLS to the brokers.'),
  KAFKA_SSL_CA: optional('none', network.pemFile, "PEM file of the authority that signed the brokers' certificates."),
  KAFKA_SSL_CERT: optional(
    'none',
    network.pemFile,
    'PEM file of the certificate that the brokers ask the server for (mTLS); read again when it changes.'
  ),
  KAFKA_SSL_KEY: optional('none', network.pemFile, "PEM file of that certificate's key; read again when it changes."),
  KAFKA_SSL_KEY_PASSPHRASE: secret('Passphrase of KAFKA_SSL_KEY, where it is encrypted.'),
  KAFKA_SASL_MECHANISM: optional('none', parse.oneOf(SASL_MECHANISMS), `One of ${SASL_MECHANISMS.join(', ')}.`),
  KAFKA_SASL_USERNAME: optional('none', parse.text, 'User name for PLAIN and SCRAM.'),
  KAFKA_SASL_PASSWORD: secret('Password for PLAIN and SCRAM.'),
  KAFKA_OAUTH_TOKEN_URL: optional('none', network.tokenUrl, 'Token endpoint for OAUTHBEARER (client credentials).'),
  KAFKA_OAUTH_CLIENT_ID: optional('none', parse.text, 'Client id at that endpoint.'),
  KAFKA_OAUTH_CLIENT_SECRET: secret('Client secret at that endpoint.'),
  KAFKA_OAUTH_SCOPE: optional('none', parse.text, 'Scope to ask that endpoint for.'),
  KAFKA_OAUTH_AUDIENCE: optional('none', parse.text, 'Audience to ask that endpoint for.'),
  KAFKA_AWS_REGION: optional("from the brokers' names", parse.text, 'Region that AWS_MSK_IAM signs for.'),
  KAFKA_CLIENT_ID: variable(
    'tributary',
    parse.clientId,
    'Client id at the brokers, for their quotas, metrics and logs; `{host}` is the name of the machine.'
  ),
  KAFKA_HEADERS: variable(
    RECORD_HEADERS.join(','),
    parse.severalOf(CHOOSABLE_HEADERS),
    'Headers of the records, some or all of them, and `traceparent`: that of the request. `messageId` is always there; `type` stands for `code` of rejected records too.'
  ),
  KAFKA_COMPRESSION: variable(
    'none',
    parse.oneOf(COMPRESSIONS),
    `How records are compressed on their way to Kafka: one of ${COMPRESSIONS.join(', ')}.`
  ),
  FLEET: variable(
    'false',
    parse.boolean,
    'Share configuration and limits with the other servers on these brokers ([docs/operations.md](docs/operations.md#a-fleet)).'
  ),
  FLEET_NAME: variable('tributary', parse.fleetName, "Which fleet: the beginning of its topics' names."),
  SERVER_NAME: optional("the host's name and `PORT`", parse.text, 'How the other servers of the fleet name this one.'),
  ADMIN_URL: optional(
    'from `ADMIN_HOST` and `ADMIN_PORT`',
    network.publicUrl,
    'The admin listener as the other servers of the fleet reach it.'
  ),
  EVENTS_TOPIC: variable(
    'tributary.events',
    parse.topic,
    'Topic of every accepted event; may contain `{type}` and `{source}`.'
  ),
  REJECTED_TOPIC: variable(
    'tributary.rejected',
    parse.topic,
    'Topic of rejected events with their reason; may contain `{type}` and `{source}`.'
  ),
  VIOLATIONS_TOPIC: optional(
    'none',
    parse.topic,
    'Topic of one `Violation Generated` event for each violation of a tracking plan ([docs/governance.md](docs/governance.md#violations-as-events)); may contain `{source}`. Without Kafka they go to `DATA_DIR/violations`.'
  ),
  KAFKA_CREATE_TOPICS: variable('true', parse.boolean, 'Create topics that are missing.'),
  KAFKA_PARTITIONS: variable(6, parse.integer(1, 10_000), 'Partitions of a topic that is created.'),
  KAFKA_REPLICATION_FACTOR: optional(
    "the broker's",
    parse.integer(1, 100),
    'Replication factor of a topic that is created.'
  ),
  KAFKA_RECREATE_AFTER: variable(
    '30s',
    parse.duration('0s', '30d'),
    'A topic that was deleted is made again after this time, so that its owner can do it first.'
  ),
  PUBLISH_TIMEOUT: variable(
    '750ms',
    parse.duration('1ms', '10m'),
    'How long a request waits for Kafka. Then its events are written to the spool and answered; they stay on their way to Kafka.'
  ),
  SPOOL_MAX_BYTES: variable(
    '10GiB',
    parse.size('1024TiB'),
    'Size of the spool; when it is full the answer is 503. One topic cannot take the last tenth from the others.'
  ),
  DRAIN_ON_STOP: variable(
    '0s',
    parse.duration('0s', '1h'),
    'How long a stopping server waits, beyond SHUTDOWN_GRACE, until Kafka has what is in the spool.'
  ),
  LOG_RETENTION: variable(
    'keep',
    parse.retention,
    'Age or size (`7d`, `20GiB`, `7d,20GiB`) after which closed segments of `events/`, `rejected/` and `violations/` are deleted: each minute, and for the size whenever a segment (128 MiB) ends.'
  ),
  ARCHIVE: optional(
    'none',
    parse.text,
    'With Kafka: a folder in which the server keeps the events of `EVENTS_TOPIC` too, compressed, so that `tributary replay` and `export` can read them; in a fleet on one server ([docs/operations.md](docs/operations.md#an-archive)).'
  ),
  ARCHIVE_RETENTION: variable(
    'keep',
    parse.retention,
    'Age or size after which segments of the archive are deleted, the oldest first.'
  ),
  DEDUP_WINDOW: variable('24h', parse.duration('1ms', '30d'), 'How long a messageId is remembered, for each source.'),
  DEDUP_MAX_IDS: variable(
    2_000_000,
    parse.integer(1, 100_000_000),
    'How many messageIds are remembered, for each source.'
  ),
  DEDUP_SHARE: variable(
    'on',
    parse.oneOf(['on', 'off']),
    'Whether the workers of a server, and the servers of a fleet, tell each other the messageIds that they made durable.'
  ),
  VALIDATION: variable(
    'compatible',
    parse.oneOf(['compatible', 'strict']),
    '`strict`: the contract to the letter. `compatible`: with what the SDKs really send.'
  ),
  PATTERNS: variable(
    'on',
    text => parse.oneOf(['on', 'off'])(text) === 'on',
    '`off`: each event is judged by itself, with the same verdict and more CPU time, to tell whether a fault comes from the comparison of events.'
  ),
  BATCH_PARTIAL_STATUS: byMode(
    { compatible: 200, strict: 400 },
    text => (parse.oneOf(['400', '200'])(text) === '200' ? 200 : 400),
    'Status for a batch of which some events were refused: 200 or 400. One of which all were refused is 400.'
  ),
  MAX_EVENT_BYTES: variable(DEFAULT_LIMITS.maxEventBytes, parse.size('64MiB'), 'Size of one event.'),
  MAX_BATCH_BYTES: byMode(
    { compatible: DEFAULT_LIMITS.maxBatchBytes, strict: STRICT_MAX_BATCH_BYTES },
    parse.size('64MiB'),
    "Size of a batch's body."
  ),
  MAX_BATCH_EVENTS: variable(DEFAULT_LIMITS.maxBatchEvents, parse.integer(1, 1_000_000), 'Events in one batch.'),
  MAX_PUBLISH_BYTES: variable(
    DEFAULT_LIMITS.maxPublishBytes,
    parse.size('256MiB'),
    "What one request may publish in all, however many destinations: a batch's context is copied into each event."
  ),
  REFUSED_BODIES_PER_HOUR: variable(
    '64MiB',
    parse.sizeOrOff('1TiB'),
    'Size of the bodies that are kept of requests that were refused as a whole, and 512 bytes for each of them, for each source; `off` keeps none.'
  ),
  MAX_CONNECTIONS: variable(20_000, parse.integer(1, 1_000_000), 'Open connections to the tracking API.'),
  MAX_CONNECTIONS_PER_IP: variable(
    'off',
    parse.integerOrOff(1, 1_000_000),
    'Open connections from one address, or `off`.'
  ),
  KEEP_ALIVE_TIMEOUT: variable(
    '125s',
    parse.duration('2s', '1h'),
    'How long an idle connection stays open: longer than the clients and proxies in front keep theirs. Below 4s the `fetch` of Node keeps none.'
  ),
  TRUST_PROXY: variable(
    'false',
    network.trustProxy,
    'Whose `X-Forwarded-*` or `Forwarded` to believe: `false`, `true`, a number of proxies, or a list (`10.0.0.0/8,loopback`).'
  ),
  CORS_ORIGINS: variable(
    '*',
    network.origins,
    "Origins whose pages may read the answers: `*` or a list. Those of the list, and of any source's `allowedOrigins`, may send with credentials."
  ),
  PUBLIC_URL: optional('from the request', network.publicUrl, "The tracking API's URL as browsers reach it."),
  TLS_CERT: optional('none', network.pemFile, 'PEM file of the certificate, for TLS on both listeners.'),
  TLS_KEY: optional('none', network.pemFile, "PEM file of the certificate's key."),
  PRIVACY_HASH_KEY: secret(
    'Key of the HMAC for `privacy.hash` and `privacy.hashKeys` of `tributary.yml`: 16 characters or more, the same on all servers. Or `PRIVACY_HASH_KEY_FILE`.'
  ),
  PRIVACY_HASH_KEY_FILE: optional(
    'none',
    parse.secretFile,
    'File that holds PRIVACY_HASH_KEY; its last line end does not count.'
  ),
  OAUTH_SIGNING_KEY_FILE: optional(
    'made in `DATA_DIR`',
    parse.text,
    'PEM file of the keys that OAuth tokens are signed with, the same on all servers ([docs/oauth.md](docs/oauth.md)); read again when it changes.'
  ),
  ...LOG_VARIABLES,
  ...OTEL_VARIABLES,
  SHUTDOWN_GRACE: variable('10s', parse.duration('0s', '1h'), 'How long a stopping server drains before it exits.'),
  WORKERS: variable(
    'off',
    parse.workers,
    'Worker processes that share the port: a number, `auto` for one a core, or `off` for a server of one process.'
  )
} as const

export type VariableName = keyof typeof VARIABLES

export const VARIABLE_NAMES = Object.keys(VARIABLES) as readonly VariableName[]

/** The type of each variable's parsed value. */
export type Values = { [K in VariableName]: (typeof VARIABLES)[K] extends Variable<infer T> ? T : never }
