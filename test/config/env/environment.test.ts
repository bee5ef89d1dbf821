import { availableParallelism } from 'node:os'
import t from 'tap'
import { fastify } from 'fastify'
import { execFileSync } from 'node:child_process'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import type { Config } from '../../../src/config/env/config.ts'
import { readConfigFileName, readEnvironment, readFleetEnvironment } from '../../../src/config/env/environment.ts'
import { decorateClientAddress } from '../../../src/http/caller/client.ts'
import { problemsOf } from '../../support/config-problems.ts'

t.test('an empty environment gives the defaults that the documentation promises', async t => {
  const { effective, ...config } = readEnvironment({})
  t.strictSame(config, {
    host: '127.0.0.1',
    port: 3000,
    adminHost: '127.0.0.1',
    adminPort: 3001,
    adminPassword: undefined,
    configFile: 'tributary.yml',
    configFileGiven: false,
    dataDir: 'data',
    kafka: undefined,
    fleet: undefined,
    eventsTopic: 'tributary.events',
    rejectedTopic: 'tributary.rejected',
    violationsTopic: undefined,
    publishTimeoutMs: 750,
    spoolMaxBytes: 10 * 2 ** 30,
    drainOnStopMs: 0,
    logRetention: { maxAgeMs: undefined, maxBytes: undefined },
    archive: undefined,
    dedup: { windowMs: 86_400_000, maxIds: 2_000_000 },
    dedupShare: true,
    validation: 'compatible',
    usePatterns: true,
    batchPartialStatus: 200,
    limits: { maxEventBytes: 32_767, maxBatchBytes: 524_288, maxBatchEvents: 2500, maxPublishBytes: 4_194_304 },
    refusedBytesPerHour: 64 * 2 ** 20,
    maxConnections: 20_000,
    maxConnectionsPerIp: undefined,
    keepAliveTimeoutMs: 125_000,
    trustProxy: false,
    corsOrigins: '*',
    publicUrl: undefined,
    tls: undefined,
    privacyHashKey: undefined,
    oauth: { dir: 'data/oauth', keyFile: undefined },
    logLevel: 'info',
    logFormat: undefined,
    logTime: 'epoch',
    logLevelAs: 'number',
    showFirstKey: 'terminal',
    traces: undefined,
    shutdownGraceMs: 10_000,
    workers: undefined,
    files: {},
    warnings: []
  })
  t.equal(
    effective.every(({ isDefault }) => isDefault),
    true
  )
  t.match(readEnvironment({ KAFKA_BROKERS: 'kafka' }).kafka, {
    brokers: ['kafka:9092'],
    ssl: undefined,
    sasl: undefined,
    createTopics: true,
    recreateAfterMs: 30_000,
    partitions: 6,
    replicationFactor: undefined
  })
})

t.test('the mode decides the defaults of a batch, and set variables override the mode', async t => {
  const of = (env: Record<string, string>): unknown => {
    const { batchPartialStatus, limits, effective } = readEnvironment(env)
    const shown = effective.filter(({ name }) => name === 'MAX_BATCH_BYTES' || name === 'BATCH_PARTIAL_STATUS')
    return [batchPartialStatus, limits.maxBatchBytes, ...shown.map(({ value, isDefault }) => [value, isDefault])]
  }
  const compatible = [200, 524_288, ['200', true], ['524288', true]]
  t.strictSame(of({ VALIDATION: 'compatible' }), compatible)
  for (const mode of ['strict', 'STRICT', ' Strict ']) {
    t.strictSame(of({ VALIDATION: mode }), [400, 512_000, ['400', true], ['512000', true]], mode)
  }
  const set = { BATCH_PARTIAL_STATUS: '200', MAX_BATCH_BYTES: '600000' }
  t.strictSame(of({ ...set, VALIDATION: 'strict' }), [200, 600_000, ['200', false], ['600000', false]])
  t.strictSame(of({ BATCH_PARTIAL_STATUS: '400' }), [400, 524_288, ['400', false], ['524288', true]])
})

const GOOD: [Record<string, string>, (config: Config) => unknown, unknown][] = [
  [{ PORT: '0' }, c => c.port, 0],
  [{ PORT: ' 8080 ' }, c => c.port, 8080],
  [{ HOST: '0.0.0.0' }, c => c.host, '0.0.0.0'],
  [{ HOST: '[::1]' }, c => c.host, '::1'],
  [{ HOST: 'localhost' }, c => c.host, '127.0.0.1'],
  [{ ADMIN_HOST: 'Localhost' }, c => c.adminHost, '127.0.0.1'],
  [{ HOST: 'my_host.local' }, c => c.host, 'my_host.local'],
  [{ ADMIN_PASSWORD: ' with spaces ' }, c => c.adminPassword, ' with spaces '],
  [{ ADMIN_PASSWORD: '' }, c => c.adminPassword, undefined],
  [{ CONFIG_FILE: '/data/t.yml' }, c => [c.configFile, c.configFileGiven], ['/data/t.yml', true]],
  [{ CONFIG_FILE: '' }, c => [c.configFile, c.configFileGiven], ['tributary.yml', false]],
  [{ KAFKA_BROKERS: 'a:1, b ,[::1]:3,' }, c => c.kafka?.brokers, ['a:1', 'b:9092', '[::1]:3']],
  [{ KAFKA_BROKERS: ' , ' }, c => c.kafka, undefined],
  [{ KAFKA_BROKERS: 'a', KAFKA_SSL: 'yes' }, c => c.kafka?.ssl?.ca, undefined],
  [{ KAFKA_BROKERS: 'a', KAFKA_SSL: 'no' }, c => c.kafka?.ssl, undefined],
  [{ KAFKA_BROKERS: 'a', KAFKA_CREATE_TOPICS: 'FALSE' }, c => c.kafka?.createTopics, false],
  [{ KAFKA_BROKERS: 'a', KAFKA_REPLICATION_FACTOR: '3' }, c => c.kafka?.replicationFactor, 3],
  [
    {
      KAFKA_BROKERS: 'a',
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USERNAME: 'u',
      KAFKA_SASL_PASSWORD: 'p'
    },
    c => c.kafka?.sasl,
    { mechanism: 'SCRAM-SHA-512', username: 'u', password: 'p' }
  ],
  [{ KAFKA_BROKERS: 'a' }, c => [c.kafka?.clientId, c.kafka?.compression], ['tributary', 'none']],
  [{ KAFKA_BROKERS: 'a', KAFKA_COMPRESSION: 'LZ4' }, c => c.kafka?.compression, 'lz4'],
  [{ KAFKA_BROKERS: 'a', KAFKA_CLIENT_ID: 'a-{host}' }, c => c.kafka?.clientId, `a-${hostname()}`],
  [{ KAFKA_BROKERS: 'a', KAFKA_HEADERS: 'source, type' }, c => c.kafka?.headers, ['source', 'type']],
  [{ KAFKA_BROKERS: 'a', KAFKA_HEADERS: 'traceparent' }, c => c.kafka?.headers, ['traceparent']],
  [{ EVENTS_TOPIC: 'e.{type}.{source}' }, c => c.eventsTopic, 'e.{type}.{source}'],
  [{ VIOLATIONS_TOPIC: 'v.{source}' }, c => c.violationsTopic, 'v.{source}'],
  [{ PUBLISH_TIMEOUT: '2s' }, c => c.publishTimeoutMs, 2000],
  [{ PUBLISH_TIMEOUT: '1.5 s' }, c => c.publishTimeoutMs, 1500],
  [{ SPOOL_MAX_BYTES: '512000' }, c => c.spoolMaxBytes, 512_000],
  [{ SPOOL_MAX_BYTES: '500KB' }, c => c.spoolMaxBytes, 500_000],
  [{ SPOOL_MAX_BYTES: '1.5GiB' }, c => c.spoolMaxBytes, 1.5 * 2 ** 30],
  [{ SPOOL_MAX_BYTES: '2tib' }, c => c.spoolMaxBytes, 2 * 2 ** 40],
  [{ LOG_RETENTION: 'Keep' }, c => c.logRetention, { maxAgeMs: undefined, maxBytes: undefined }],
  [{ LOG_RETENTION: '7d' }, c => c.logRetention, { maxAgeMs: 604_800_000, maxBytes: undefined }],
  [{ LOG_RETENTION: '20GiB' }, c => c.logRetention, { maxAgeMs: undefined, maxBytes: 20 * 2 ** 30 }],
  [{ LOG_RETENTION: '20GiB, 7d' }, c => c.logRetention, { maxAgeMs: 604_800_000, maxBytes: 20 * 2 ** 30 }],
  [{ KAFKA_BROKERS: 'a', ARCHIVE: '/srv/a' }, c => c.archive?.dir, '/srv/a'],
  [{ DEDUP_WINDOW: '5m', DEDUP_MAX_IDS: '10' }, c => c.dedup, { windowMs: 300_000, maxIds: 10 }],
  [{ VALIDATION: 'strict' }, c => c.validation, 'strict'],
  [{ BATCH_PARTIAL_STATUS: '200' }, c => c.batchPartialStatus, 200],
  [{ MAX_EVENT_BYTES: '64KiB' }, c => c.limits.maxEventBytes, 65_536],
  [{ MAX_CONNECTIONS_PER_IP: '50' }, c => c.maxConnectionsPerIp, 50],
  [{ MAX_CONNECTIONS_PER_IP: 'OFF' }, c => c.maxConnectionsPerIp, undefined],
  [{ TRUST_PROXY: 'true' }, c => c.trustProxy, true],
  [{ TRUST_PROXY: '0' }, c => c.trustProxy, false],
  [{ TRUST_PROXY: '10.0.0.0/8, loopback, ::1' }, c => c.trustProxy, '10.0.0.0/8,loopback,::1'],
  [{ CORS_ORIGINS: 'https://a.example, http://b:8080' }, c => c.corsOrigins, ['https://a.example', 'http://b:8080']],
  [{ PUBLIC_URL: 'https://events.example.com/' }, c => c.publicUrl, 'https://events.example.com'],
  [{ PUBLIC_URL: 'https://example.com/events/' }, c => c.publicUrl, 'https://example.com/events'],
  [{ LOG_LEVEL: 'WARN' }, c => c.logLevel, 'warn'],
  [{ SHUTDOWN_GRACE: '0s' }, c => c.shutdownGraceMs, 0],
  [{ DEDUP_SHARE: 'Off' }, c => c.dedupShare, false],
  [{ WORKERS: '4' }, c => c.workers, 4],
  [{ WORKERS: 'off' }, c => c.workers, undefined],
  [{ WORKERS: 'AUTO' }, c => c.workers, Math.min(64, availableParallelism())]
]

t.test('each form of a value that the documentation names is accepted', async t => {
  for (const [env, pick, wanted] of GOOD) t.strictSame(pick(readEnvironment(env)), wanted, JSON.stringify(env))
})

const BAD: [string, string, RegExp][] = [
  ['PORT', '65536', /^PORT="65536": expected a port/],
  ['PORT', 'abc', /a port/],
  ['PORT', '-1', /a port/],
  ['PORT', '80.5', /a port/],
  ['HOST', 'http://x', /a host name/],
  ['HOST', '127.0.0.1:80', /a host name/],
  ['HOST', '1.2.3', /a host name/],
  ['KAFKA_BROKERS', 'a:0', /a list of brokers/],
  ['KAFKA_BROKERS', 'kafka://a:9092', /a list of brokers/],
  ['KAFKA_SSL', 'maybe', /true or false/],
  ['KAFKA_SSL_CA', '/no/such/file', /a PEM file that can be read \(ENOENT\)/],
  ['KAFKA_SASL_MECHANISM', 'GSSAPI', /one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER, AWS_MSK_IAM/],
  ['KAFKA_COMPRESSION', 'brotli', /one of none, gzip, snappy, lz4, zstd/],
  ['KAFKA_CLIENT_ID', 'a b', /up to 100 letters/],
  ['KAFKA_CLIENT_ID', '{name}', /\{host\} for the name of the machine/],
  ['KAFKA_HEADERS', 'tracestate', /a list of type, source, messageId, receivedAt, traceparent/],
  ['KAFKA_OAUTH_TOKEN_URL', 'login.example', /a URL such as/],
  ['EVENTS_TOPIC', 'a b', /a topic is made of/],
  ['EVENTS_TOPIC', 'x.{event}', /"\{event\}" is not a placeholder/],
  ['REJECTED_TOPIC', '{source}'.repeat(4), /can grow to 256/],
  ['REJECTED_TOPIC', '..', /no topic named/],
  ['KAFKA_PARTITIONS', '0', /whole number from 1/],
  ['PUBLISH_TIMEOUT', '750', /a duration from 1ms to 10m/],
  ['PUBLISH_TIMEOUT', '0ms', /a duration/],
  ['PUBLISH_TIMEOUT', '11m', /a duration/],
  ['SPOOL_MAX_BYTES', '10G', /a size from 1 byte/],
  ['SPOOL_MAX_BYTES', '0', /a size/],
  ['LOG_RETENTION', '7d,8d', /"keep", an age, a size, or both/],
  ['LOG_RETENTION', 'keep,7d', /"keep"/],
  ['LOG_RETENTION', '0', /"keep"/],
  ['LOG_RETENTION', ',', /"keep"/],
  ['DEDUP_WINDOW', '31d', /to 30d/],
  ['VALIDATION', 'loose', /one of compatible, strict/],
  ['BATCH_PARTIAL_STATUS', '207', /one of 400, 200/],
  ['MAX_BATCH_EVENTS', '2,500', /whole number/],
  ['MAX_CONNECTIONS_PER_IP', '0', /"off" or a whole number/],
  ['TRUST_PROXY', '10.0.0.0/33', /true, false, a number of proxies/],
  ['TRUST_PROXY', 'proxy.example', /true, false/],
  ['TRUST_PROXY', '99', /true, false/],
  ['TRUST_PROXY', '0.0.0.0/0', /true, false/],
  ['TRUST_PROXY', '10.0.0.0/08', /true, false/],
  ['CORS_ORIGINS', 'https://a.example/', /without a path: "https:\/\/a\.example"/],
  ['CORS_ORIGINS', 'https://a.example,*', /"\*" alone/],
  ['PUBLIC_URL', 'events.example.com', /a URL such as/],
  ['LOG_LEVEL', 'verbose', /one of trace/],
  ['WORKERS', '0', /from 1 to 64/],
  ['WORKERS', '2.5', /auto or off/],
  ['SHUTDOWN_GRACE', '25h', /to 1h/],
  ['KEEP_ALIVE_TIMEOUT', '1s', /from 2s to 1h/]
]

t.test('each wrong value is refused with the variable, the value and what is expected', async t => {
  for (const [name, value, message] of BAD) {
    const problems = problemsOf({ [name]: value })
    t.equal(problems.length, 1, `${name}=${value} is one problem`)
    t.match(problems[0], message)
    t.match(problems[0], `${name}=${JSON.stringify(value)}: `)
  }
})

t.test('all mistakes are named at once, one on each line', async t => {
  const env = { PORT: 'x', LOG_LEVEL: 'y', DEDUP_WINDOW: 'z' }
  t.equal(problemsOf(env).length, 3)
  t.throws(() => readEnvironment(env), { name: 'ConfigError', message: /^PORT=.*\nDEDUP_WINDOW=.*\nLOG_LEVEL=.*$/ })
})

t.test('variables that only make sense together are refused alone', async t => {
  const sasl = { KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_SASL_USERNAME: 'u' }
  t.strictSame(problemsOf(sasl), ['KAFKA_SASL_MECHANISM=PLAIN needs KAFKA_SASL_PASSWORD too'])
  const oauth = { KAFKA_SASL_MECHANISM: 'OAUTHBEARER', KAFKA_OAUTH_TOKEN_URL: 'https://login.example/token' }
  t.strictSame(problemsOf(oauth), [
    'KAFKA_SASL_MECHANISM=OAUTHBEARER needs KAFKA_OAUTH_CLIENT_ID and KAFKA_OAUTH_CLIENT_SECRET too'
  ])
  const both = { ...oauth, KAFKA_OAUTH_CLIENT_ID: 'a', KAFKA_OAUTH_CLIENT_SECRET: 'b', KAFKA_SASL_USERNAME: 'c' }
  t.strictSame(problemsOf(both), ['KAFKA_SASL_MECHANISM=OAUTHBEARER has no use for KAFKA_SASL_USERNAME'])
  const msk = { KAFKA_SASL_MECHANISM: 'AWS_MSK_IAM', KAFKA_BROKERS: 'kafka:9098' }
  t.strictSame(problemsOf(msk), [
    'KAFKA_SASL_MECHANISM=AWS_MSK_IAM needs KAFKA_SSL=true',
    'KAFKA_SASL_MECHANISM=AWS_MSK_IAM needs KAFKA_AWS_REGION too'
  ])
  const broker = 'b-1.shop.abc123.c2.kafka.eu-west-1.amazonaws.com:9098'
  t.match(readEnvironment({ ...msk, KAFKA_SSL: 'true', KAFKA_BROKERS: broker }).kafka?.sasl, { region: 'eu-west-1' })
  t.match(problemsOf({ KAFKA_SASL_PASSWORD: 'secret' })[0], /^KAFKA_SASL_PASSWORD needs KAFKA_SASL_MECHANISM/)
  t.match(problemsOf({ PORT: '3001' })[0], /PORT and ADMIN_PORT are both 3001/)
  t.strictSame(problemsOf({ PORT: '0', ADMIN_PORT: '0' }), [])
  t.match(problemsOf({ ARCHIVE: 'a' }), [
    /^ARCHIVE needs KAFKA_BROKERS: without Kafka the log in DATA_DIR keeps the events/
  ])
  for (const folder of ['data', './data/', 'data/spool', 'data/oauth', 'data/worker-12', resolve('data/events')]) {
    t.match(problemsOf({ KAFKA_BROKERS: 'a', ARCHIVE: folder }), [/is a folder that DATA_DIR uses/], folder)
  }
  t.strictSame(problemsOf({ KAFKA_BROKERS: 'a', ARCHIVE: 'data/archive' }), [])
  t.match(problemsOf({ MAX_BATCH_BYTES: '8MiB' })[0], /MAX_PUBLISH_BYTES is less than MAX_BATCH_BYTES/)
})

t.test('certificates are read at the start, and a key that does not belong to its certificate is refused', async t => {
  const dir = t.testdir({ 'not.pem': 'hello' })
  for (const name of ['a', 'b']) {
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=x'
      ].concat(['-keyout', join(dir, `${name}.key`), '-out', join(dir, `${name}.crt`)]),
      { stdio: 'ignore' }
    )
  }
  const TLS_CERT = join(dir, 'a.crt')
  const { tls } = readEnvironment({ TLS_CERT, TLS_KEY: join(dir, 'a.key') })
  t.match(tls?.cert, /^-----BEGIN CERTIFICATE/)
  t.match(tls?.key, /PRIVATE KEY/)
  t.match(problemsOf({ TLS_CERT, TLS_KEY: join(dir, 'b.key') })[0], /TLS_CERT and TLS_KEY cannot be used together/)
  t.match(problemsOf({ TLS_CERT })[0], /TLS_CERT needs TLS_KEY too/)
  t.match(problemsOf({ TLS_CERT: join(dir, 'not.pem'), TLS_KEY: join(dir, 'a.key') })[0], /expected a PEM file$/)
  t.match(problemsOf({ KAFKA_SSL_CA: TLS_CERT })[0], /set KAFKA_SSL=true/)
  const client = { KAFKA_SSL: 'true', KAFKA_SSL_CERT: TLS_CERT }
  t.strictSame(problemsOf(client), ['KAFKA_SSL_CERT needs KAFKA_SSL_KEY too'])
  const stranger = problemsOf({ ...client, KAFKA_SSL_KEY: join(dir, 'b.key') })
  t.match(stranger[0], /KAFKA_SSL_CERT and KAFKA_SSL_KEY cannot be used together/)
  const encrypted = join(dir, 'encrypted.key')
  execFileSync('openssl', ['pkey', '-in', join(dir, 'a.key'), '-aes256', '-passout', 'pass:sesame', '-out', encrypted])
  const locked = { ...client, KAFKA_SSL_KEY: encrypted }
  t.match(problemsOf(locked)[0], /KAFKA_SSL_KEY_PASSPHRASE is missing or wrong/)
  t.match(problemsOf({ ...locked, KAFKA_SSL_KEY_PASSPHRASE: 'no' })[0], /KAFKA_SSL_KEY_PASSPHRASE is missing or wrong/)
  t.strictSame(problemsOf({ ...locked, KAFKA_SSL_KEY_PASSPHRASE: 'sesame' }), [])
  const kafka = { KAFKA_BROKERS: 'a', KAFKA_SSL: 'true', KAFKA_SSL_CA: TLS_CERT }
  t.match(readEnvironment(kafka).kafka?.ssl?.ca, /BEGIN CERTIFICATE/)
})

t.test(
  'each form of TRUST_PROXY says how much of a list of proxies is trusted; a number counts from the socket',
  async t => {
    const cases: [string, string][] = [
      ['false', '127.0.0.1'],
      ['1', '10.0.0.2'],
      ['2', '192.0.2.7'],
      ['true', '198.51.100.1'],
      ['loopback', '10.0.0.2'],
      ['loopback,10.0.0.0/8', '192.0.2.7']
    ]
    for (const [TRUST_PROXY, wanted] of cases) {
      const app = fastify()
      decorateClientAddress(app, readEnvironment({ TRUST_PROXY }).trustProxy)
      t.teardown(() => app.close())
      app.get('/', async request => request.clientAddress)
      const headers = { 'x-forwarded-for': '198.51.100.1, 192.0.2.7, 10.0.0.2' }
      t.equal((await app.inject({ url: '/', headers })).body, wanted, TRUST_PROXY)
    }
  }
)

t.test('no error contains a password', async t => {
  const pasted = problemsOf({ KAFKA_BROKERS: 'user:hunter2@kafka:9092', PUBLIC_URL: 'https://u:hunter2@example.com' })
  t.equal(pasted.length, 2)
  t.notMatch(pasted.join('\n'), /hunter2/)
  t.notMatch(problemsOf({ KAFKA_SASL_PASSWORD: 'hunter2' }).join('\n'), /hunter2/)
})

t.test('a variable that looks like a misspelling of a known variable causes a warning, not a refusal', async t => {
  const cases: [string, string | undefined][] = [
    ['KAFKA_BROKER', 'KAFKA_BROKERS'],
    ['KAFKA_BOOTSTRAP_SERVERS', 'KAFKA_BROKERS'],
    ['DATADIR', 'DATA_DIR'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['log_level', 'LOG_LEVEL'],
    ['DEDUPE_WINDOW', 'DEDUP_WINDOW'],
    ['ADMIN_PASS', 'ADMIN_PASSWORD'],
    ['KAFKA_SASL_USER', 'KAFKA_SASL_USERNAME'],
    ['TRIBUTARY_PORT', 'PORT'],
    ['MAX_BACTH_BYTES', 'MAX_BATCH_BYTES'],
    ['TRIBUTARY_COLOUR', undefined]
  ]
  for (const [name, meant] of cases) {
    const [warning, ...others] = readEnvironment({ [name]: '1' }).warnings
    t.match(warning, `${name} is set, but is not a variable of Tributary`)
    if (meant !== undefined) t.match(warning, `did you mean ${meant}?`)
    t.strictSame(others, [])
  }
})

t.test('a fleet needs brokers, and its name must fit into the names of topics', async t => {
  t.throws(() => readEnvironment({ FLEET: 'true' }), /FLEET=true needs KAFKA_BROKERS/)
  t.strictSame(readEnvironment({ KAFKA_BROKERS: 'k:9092', FLEET_NAME: 'x' }).fleet, undefined)
  const env = { FLEET: 'true', KAFKA_BROKERS: 'k:9092', SERVER_NAME: 'a', ADMIN_URL: 'http://a:3001/' }
  t.strictSame(readEnvironment(env).fleet, { name: 'tributary', serverName: 'a', adminUrl: 'http://a:3001' })
  for (const name of ['a b', 'x'.repeat(201), '{type}', '..']) {
    t.throws(() => readEnvironment({ ...env, FLEET_NAME: name }), /FLEET_NAME=.*expected 1 to 200 letters/)
  }
})

t.test('whether there is a fleet can be read while other variables are wrong', async t => {
  t.equal(readFleetEnvironment({ PORT: 'x' }), undefined)
  t.throws(() => readFleetEnvironment({ PORT: 'x', FLEET: 'true', KAFKA_BROKERS: 'k:9092' }), /PORT="x"/)
})

t.test('variables of other programs are ignored', async t => {
  const others = {
    PATH: '/bin',
    HOME: '/root',
    HOSTNAME: 'x',
    LOGNAME: 'x',
    NODE_ENV: 'production',
    CONFIG: 'x',
    EVENTS: 'x',
    POST: 'x',
    constructor: 'x',
    KAFKA_HEAP_OPTS: 'x',
    npm_config_cache: 'x',
    TRIBUTARY_SERVICE_HOST: '10.0.0.1',
    TRIBUTARY_PORT: 'tcp://10.0.0.1:3000',
    TRIBUTARY_PORT_3000_TCP_ADDR: '10.0.0.1',
    TRIBUTARY_SERVICE_PORT: '3000'
  }
  t.strictSame(readEnvironment(others).warnings, [])
})

t.test('the parsed configuration cannot be changed, at any depth', async t => {
  const config = readEnvironment({ KAFKA_BROKERS: 'a', CORS_ORIGINS: 'https://a.example' })
  const inside = [
    config,
    config.kafka,
    config.kafka?.brokers,
    config.limits,
    config.dedup,
    config.corsOrigins,
    config.effective[0]
  ]
  for (const value of inside) t.equal(Object.isFrozen(value), true)
})

t.test('the name of the config file can be read while other variables are wrong', async t => {
  t.equal(readConfigFileName({ PORT: 'x', CONFIG_FILE: 'a.yml' }), 'a.yml')
  t.equal(readConfigFileName({ PORT: 'x' }), 'tributary.yml')
})
