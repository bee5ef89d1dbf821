import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Kafka as Client, logLevel } from 'kafkajs'
import t from 'tap'
import type { Test } from 'tap'
import { startApp } from '../../support/app.ts'
import { configureTopic, createTopic, startKafka, topicOffsets } from '../../support/kafka.ts'
import { until } from '../../support/until.ts'
import { MAIN, run } from '../run.ts'
import type { Finished } from '../run.ts'

t.jobs = 2

const FILE = 'sources:\n  - id: web\n    writeKeys: [wk_aVeryLongWriteKeyForTheShop1]\n'
/** Nothing listens there. */
const NOWHERE = { PORT: '64998', ADMIN_PORT: '64999' }

type Doctor = (env?: Record<string, string>) => Promise<Finished>

function setUp(t: Test, file: string | undefined = FILE): { dir: string; doctor: Doctor } {
  const dir = t.testdir(file === '' ? {} : { 'tributary.yml': file })
  return {
    dir,
    doctor: (env = {}) => run(process.execPath, [MAIN, 'doctor'], { cwd: dir, env: { ...NOWHERE, ...env } })
  }
}

/** The set-up has a fault, and doctor reports it in these words, with the action. */
function names(t: Test, { code, stdout, stderr }: Finished, says: RegExp, todo: RegExp): void {
  t.equal(code, 1, stderr)
  const found = new RegExp(`✗ \\S+ +(?<finding>.*${says.source}.*)\\n +→ (?<advice>.*)`).exec(stdout)?.groups
  const { finding = '', advice = '' } = found ?? {}
  t.match(finding, says, stdout)
  t.match(advice, todo)
}

t.test('a correct set-up has no problem', { buffered: true }, async t => {
  const server = await startApp(t, { config: FILE, clock: { now: Date.now, monotonic: () => performance.now() } })
  const env = { PORT: new URL(server.url).port, ADMIN_PORT: new URL(server.adminUrl).port }
  const result = await run(process.execPath, [MAIN, 'doctor'], { cwd: server.dir, env })
  t.strictSame([result.code, result.stderr], [0, ''])
  t.notMatch(result.stdout, /✗/)
  for (const area of ['keys', 'clock', 'CORS', 'server']) t.match(result.stdout, new RegExp(`✓ ${area}`))
  t.match(result.stdout, '1 source enabled, 1 write key\n')
  t.match(result.stdout, /✓ disk|! disk .* ms to sync a file/, 'the disk is checked, and a busy disk may be slow')
})

t.test('doctor leaves no fault in the server that it checks', { buffered: true }, async t => {
  const server = await startApp(t, { config: FILE, clock: { now: Date.now, monotonic: () => performance.now() } })
  const env = { PORT: new URL(server.url).port, ADMIN_PORT: new URL(server.adminUrl).port }
  const asked = async (path: string) => (await (await fetch(`${server.adminUrl}${path}`)).json()) as object
  for (const file of ['tributary.yml', 'missing.yml']) {
    await run(process.execPath, [MAIN, 'doctor'], { cwd: server.dir, env: { ...env, CONFIG_FILE: file } })
    t.match(
      await asked('/api/rejections'),
      { events: [], requests: [] },
      'the server has no rejected event and no refused request'
    )
  }
  const overview = async () => (await asked('/api/overview')) as { points: object[]; advice: object[] }
  await until(async () => (await overview()).points.length > 0, { what: 'the first point of the overview' })
  t.strictSame((await overview()).advice, [])
})

t.test('1: a variable with an invalid value', { buffered: true }, async t => {
  const result = await setUp(t).doctor({ PUBLISH_TIMEOUT: 'soon' })
  names(t, result, /PUBLISH_TIMEOUT="soon"/, /Correct these variables/)
})

t.test('2: no config file', { buffered: true }, async t => {
  names(t, await setUp(t, '').doctor(), /tributary\.yml: no such file/, /tributary init/)
})

t.test('3: a config file with a mistake, which doctor names with its line', { buffered: true }, async t => {
  const result = await setUp(t, `${FILE}    enabeld: true\n`).doctor()
  names(t, result, /tributary\.yml:4:5: .*enabeld/, /tributary config check/)
})

t.test('4: no enabled source', { buffered: true }, async t => {
  names(t, await setUp(t, `${FILE}    enabled: false\n`).doctor(), /no source that is enabled/, /keys add/)
})

t.test('5: an admin listener that others can reach and that has no password', { buffered: true }, async t => {
  const result = await setUp(t).doctor({ ADMIN_HOST: '0.0.0.0' })
  names(t, result, /without ADMIN_PASSWORD: the debugger is off/, /Set ADMIN_PASSWORD/)
})

t.test('6: an origin that a source allows need not be in CORS_ORIGINS too', { buffered: true }, async t => {
  const { doctor } = setUp(t, `${FILE}    allowedOrigins: ['https://shop.example']\n`)
  const { stdout } = await doctor({ CORS_ORIGINS: 'https://www.example' })
  t.notMatch(stdout, /✗ CORS/)
})

t.test('6a: for each source, which pages may send, and what CORS_ORIGINS adds', { buffered: true }, async t => {
  const source = (id: string, origins: string): string =>
    `  - id: ${id}\n    writeKeys: [wk_aVeryLongWriteKeyOf_${id}]\n${origins}`
  const config = [
    'sources:\n',
    source('web', ''),
    source('app', ''),
    source('shop', "    allowedOrigins: ['https://shop.example', 'https://www.example']\n"),
    source('blog', "    allowedOrigins: ['https://blog.example']\n"),
    source('off', "    enabled: false\n    allowedOrigins: ['https://off.example']\n")
  ].join('')
  const { doctor } = setUp(t, config)
  const lines = async (env: Record<string, string>): Promise<string[]> =>
    (await doctor(env)).stdout.split('\n').flatMap(line => /^. CORS +(.*)/.exec(line)?.[1] ?? [])
  t.same(await lines({}), [
    'sources web, app: pages of any origin may send; CORS_ORIGINS=* lets all of them read the answers',
    'source shop: only pages of https://shop.example, https://www.example may send and read the answers',
    'source blog: only pages of https://blog.example may send and read the answers'
  ])
  t.same(await lines({ CORS_ORIGINS: 'https://www.example' }), [
    'sources web, app: pages of any origin may send; only those of CORS_ORIGINS (https://www.example) and of any allowedOrigins may read the answers',
    'source shop: only pages of https://shop.example, https://www.example may send and read the answers',
    'source blog: only pages of https://blog.example may send and read the answers',
    'source blog: pages of https://www.example are refused with 403, although CORS_ORIGINS names them'
  ])
  for (const origin of [
    'https://shop.example/',
    'https://shop.example/a',
    'https://*.example',
    'HTTPS://shop.example'
  ]) {
    const { stdout, code } = await setUp(t, `${FILE}    allowedOrigins: ['${origin}']\n`).doctor()
    t.equal(code, 1)
    t.match(
      stdout,
      /✗ configuration .*sources\[0\]\.allowedOrigins\[0\].*an origin is scheme:\/\/host\[:port\]/,
      origin
    )
  }
})

t.test('6c: the running server is asked for an origin of each source', { buffered: true }, async t => {
  const config = `${FILE}    allowedOrigins: ['https://shop.example']\n`
  const server = await startApp(t, { config, env: { CORS_ORIGINS: 'https://www.example' } })
  const env = { PORT: new URL(server.url).port, ADMIN_PORT: new URL(server.adminUrl).port }
  const more = '  - id: blog\n    writeKeys: [wk_aVeryLongWriteKeyForTheBlog1]\n'
  writeFileSync(join(server.dir, 'edited.yml'), `${config}${more}    allowedOrigins: ['https://blog.example']\n`)
  const asked = async (env: Record<string, string>): Promise<string> =>
    (await run(process.execPath, [MAIN, 'doctor'], { cwd: server.dir, env })).stdout
  t.match(
    await asked({ ...env, CONFIG_FILE: 'edited.yml' }),
    /! CORS .*does not let pages of https:\/\/blog.example read/
  )
  t.match(await asked(env), /✓ CORS .*lets pages of https:\/\/shop.example read its answers/)
  writeFileSync(join(server.dir, 'any.yml'), FILE)
  const listed = await asked({ ...env, CONFIG_FILE: 'any.yml', CORS_ORIGINS: 'https://www.example' })
  t.match(listed, /✓ CORS .*lets pages of https:\/\/www.example read its answers/, 'not one that is in no list')
})

t.test('6b: a limit of a source that exceeds the limit of the server', { buffered: true }, async t => {
  const { doctor } = setUp(t, `${FILE}    limits: { maxBatchBytes: 4300000, maxEventBytes: 1000 }\n`)
  const { stdout } = await doctor({ MAX_BATCH_BYTES: '1000000' })
  t.match(stdout, /web has limits\.maxBatchBytes of 4300000, but MAX_BATCH_BYTES is 1000000/)
  t.match(stdout, /Raise MAX_BATCH_BYTES to 4300000/)
  t.notMatch(stdout, /maxEventBytes/)
  const raised = await doctor({ MAX_BATCH_BYTES: '4300000', MAX_PUBLISH_BYTES: '8000000' })
  t.notMatch(raised.stdout, /has limits/)
})

t.test('7: a DATA_DIR that cannot be written', { buffered: true }, async t => {
  const { dir, doctor } = setUp(t)
  writeFileSync(join(dir, 'data'), 'a file where the folder should be')
  names(t, await doctor(), /DATA_DIR .* cannot be written: (EEXIST|ENOTDIR)/, /set DATA_DIR/)
})

t.test('8: a Kafka that refuses connections', { buffered: true }, async t => {
  const result = await setUp(t).doctor({ KAFKA_BROKERS: '127.0.0.1:1' })
  names(t, result, /Kafka \(127\.0\.0\.1:1\) refuses connections/, /spool/)
})

t.test(
  'a server on IPv6 addresses is found, also if its address is given in another form',
  { buffered: true },
  async t => {
    const listen = async (status: number, body: string): Promise<string> => {
      const server = createServer((_request, response) => response.writeHead(status).end(body))
      await new Promise<void>(resolve => server.listen(0, '::1', resolve))
      t.teardown(() => server.close())
      return String((server.address() as AddressInfo).port)
    }
    const port = await listen(400, '{"code":"empty_batch"}')
    const adminPort = await listen(503, '{"problems":["nothing can be stored"]}')
    const { doctor, dir } = setUp(t)
    const byVariables = await doctor({ HOST: '::1', PORT: port, ADMIN_HOST: '::1', ADMIN_PORT: adminPort })
    const args = [MAIN, 'doctor', '--url', `[::1]:${port}`, '--admin', `http://[::1]:${adminPort}/`]
    const byOptions = await run(process.execPath, args, { cwd: dir, env: NOWHERE })
    for (const { stdout } of [byVariables, byOptions]) {
      t.match(stdout, `http://[::1]:${port} answers and knows the key`)
      t.match(stdout, /✗ server +nothing can be stored/)
    }
    const wrong = await run(process.execPath, [MAIN, 'doctor', '--url', 'ftp://x'], { cwd: dir, env: NOWHERE })
    t.match(wrong, { code: 2, stderr: /--url must be a URL such as/ })
  }
)

t.test('9: a server that runs with another config file', { buffered: true }, async t => {
  const server = await startApp(t)
  writeFileSync(join(server.dir, 'other.yml'), FILE)
  const env = { ...NOWHERE, PORT: new URL(server.url).port, CONFIG_FILE: 'other.yml' }
  const result = await run(process.execPath, [MAIN, 'doctor'], { cwd: server.dir, env })
  names(t, result, /does not know the keys of this config file/, /another CONFIG_FILE/)
})

t.test('10: a wrong clock, and a PUBLIC_URL that leads to another server', { buffered: true }, async t => {
  const other = createServer((_request, response) => {
    response.setHeader('date', new Date(Date.now() - 3_600_000).toUTCString())
    response.end('{}')
  })
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  t.teardown(() => other.close())
  const result = await setUp(t).doctor({ PUBLIC_URL: `http://127.0.0.1:${(other.address() as AddressInfo).port}` })
  names(t, result, /are 36\d\d s apart/, /NTP/)
  names(t, result, /is not Tributary/, /PUBLIC_URL/)
})

t.test('11: a PUBLIC_URL that nobody answers', { buffered: true }, async t => {
  names(t, await setUp(t).doctor({ PUBLIC_URL: 'http://127.0.0.1:64998' }), /cannot be reached from here/, /DNS/)
})

t.test('12: topics whose settings break the promises of the server', { buffered: true }, async t => {
  const kafka = await startKafka()
  t.teardown(() => kafka.stop())
  const { doctor } = setUp(t)
  const topic = (name: string): Record<string, string> => ({
    KAFKA_BROKERS: kafka.brokers.join(','),
    EVENTS_TOPIC: name,
    REJECTED_TOPIC: 'doctor-rejected'
  })
  /** The test's client stops waiting for a new topic before a busy broker has created it. */
  const make = async (name: string, config: Record<string, string> = {}): Promise<void> => {
    await createTopic(kafka.brokers, name, { config }).catch(() => undefined)
    await until(async () => (await topicOffsets(kafka.brokers, name).catch(() => [])).length > 0, { what: name })
  }
  await make('doctor-rejected')
  await make('doctor-sound')
  const sound = await doctor(topic('doctor-sound'))
  t.equal(sound.code, 0, sound.stdout)
  t.match(sound.stdout, /! topics +doctor-sound: there is one copy of each record/)
  const missing = await doctor({ ...topic('doctor-missing'), KAFKA_CREATE_TOPICS: 'false' })
  names(t, missing, /doctor-missing: it does not exist/, /--create --topic doctor-missing/)
  await make('doctor-compact', { 'cleanup.policy': 'compact' })
  names(t, await doctor(topic('doctor-compact')), /keeps only the last event of each user/, /cleanup\.policy=delete/)
  await make('doctor-small', { 'max.message.bytes': '10000' })
  names(t, await doctor(topic('doctor-small')), /max\.message\.bytes is 10000/, /MAX_EVENT_BYTES/)
  await configureTopic(kafka.brokers, 'doctor-sound', { 'min.insync.replicas': '2' })
  const says = /min\.insync\.replicas is 2, but the topic has 1 replica: Kafka confirms with that many/
  names(t, await doctor(topic('doctor-sound')), says, /Add replicas/)
  const producer = new Client({ brokers: kafka.brokers, logLevel: logLevel.NOTHING }).producer()
  await producer.connect()
  t.teardown(() => producer.disconnect())
  const [stored] = await producer.send({ topic: 'doctor-sound', acks: -1, messages: [{ value: 'x' }] })
  t.match(stored, { errorCode: 0, baseOffset: '0' }, 'Kafka confirms a record with one replica')
})
