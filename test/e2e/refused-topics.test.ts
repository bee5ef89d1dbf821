import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import t from 'tap'
import { post, startApp } from '../support/app.ts'
import { createTopic, deleteTopic, startKafka } from '../support/kafka.ts'
import { readTopic } from '../support/kafka-topics.ts'
import { until } from '../support/until.ts'
import { MAIN, run } from '../cli/run.ts'

const kafka = await startKafka({})
t.teardown(() => kafka.stop())
const KAFKA_BROKERS = kafka.brokers.join()
// Kafka refuses a topic whose name differs from another name only in dots and underscores.
await createTopic(kafka.brokers, 'to.amplitude.track', { partitions: 1 })
await createTopic(kafka.brokers, 'to.shop', { partitions: 1 })

const SOURCES = `sources:
  - { id: web, writeKeys: [wk_test] }
`
const GOOD = `${SOURCES}destinations:
  - name: First
    topic: to.first
`
const BAD = `${GOOD}  - name: Amplitude
    topic: to_amplitude.{type}
  - name: Shop
    topic: to_shop
`

t.test('topics that Kafka refuses end the start, each named with its place in the file', async t => {
  const dir = t.testdir({ 'tributary.yml': BAD })
  const env = { KAFKA_BROKERS, PORT: '0', ADMIN_PORT: '0', EVENTS_TOPIC: 'to_shop' }
  const { code, stderr } = await run(process.execPath, [MAIN, 'serve'], { cwd: dir, env })
  t.equal(code, 1)
  const [, problems = ''] = /\ntributary: (.*)$/s.exec(stderr) ?? []
  const lines = problems.trim().split('\n')
  t.match(lines, [
    /^tributary\.yml:7:12: destinations\[1\]\.topic: topic to_amplitude\.track: .*collides with existing topic/,
    /^tributary\.yml:9:12: destinations\[2\]\.topic: topic to_shop: .*collides with existing topic/
  ])
  t.equal(lines.length, 2)
})

t.test('if topics may not be created, missing topics end the start in the same way', async t => {
  const dir = t.testdir({ 'tributary.yml': GOOD.replace('to.first', 'to.missing') })
  const env = { KAFKA_BROKERS, PORT: '0', ADMIN_PORT: '0', EVENTS_TOPIC: 'to.shop', REJECTED_TOPIC: 'missing' }
  const { code, stderr } = await run(process.execPath, [MAIN, 'serve'], {
    cwd: dir,
    env: { ...env, KAFKA_CREATE_TOPICS: 'false' }
  })
  t.equal(code, 1)
  t.match(stderr, /tributary\.yml:5:12: destinations\[0\]\.topic: topic to\.missing: it does not exist/)
  t.match(stderr, /\ntopic missing: it does not exist/)
})

/** A logger, and the lines that it has got. */
function createLog() {
  const logged: { msg?: string; problems?: string[] }[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged.push(JSON.parse(chunk.toString()) as object)
      done()
    }
  })
  return { logger: pino(stream), logged, refusals: () => logged.filter(({ problems }) => problems !== undefined) }
}

t.test(
  'a source whose topic Kafka does not have gets no key, no destination and no event until the topic exists',
  async t => {
    const topics = { EVENTS_TOPIC: 'ev.{source}', REJECTED_TOPIC: 'ev.rejected' }
    const env = { KAFKA_BROKERS, ...topics, KAFKA_CREATE_TOPICS: 'false', PUBLISH_TIMEOUT: '5s' }
    for (const name of ['ev.web', 'ev.rejected', 'ev.shop']) await createTopic(kafka.brokers, name, { partitions: 1 })
    const { logger, logged, refusals } = createLog()
    const { url, adminUrl, dir } = await startApp(t, { config: SOURCES, sink: 'configured', env, logger })
    await until(async () => (await fetch(`${adminUrl}/readyz`)).status === 200, { what: 'the server to be ready' })
    const send = (messageId: string, key = 'wk_test') =>
      post(`${url}/v1/track`, { userId: 'u', event: 'e', messageId }, { authorization: `Basic ${btoa(`${key}:`)}` })
    const idsIn = async (topic: string) =>
      (await readTopic(kafka.brokers, topic)).map(({ headers }) => headers['messageId'])

    const edit = `${SOURCES}  - { id: app, writeKeys: [wk_app] }
destinations: [{ name: Shop, topic: ev.shop }]
`
    writeFileSync(join(dir, 'tributary.yml'), edit)
    await until(() => refusals().length > 0, { what: 'the message that the topic is missing' })
    t.match(refusals()[0]?.problems, [/topic ev\.app: it does not exist/])
    t.equal((await send('early', 'wk_app')).status, 401, 'the key is not in force')
    t.equal((await send('m1')).status, 200)
    t.same(await idsIn('ev.web'), ['m1'], 'events of the other source are still delivered')
    t.same(await idsIn('ev.shop'), [], 'the destination is not in force')
    t.notOk(logged.some(({ msg }) => msg === 'config file reloaded'))

    await createTopic(kafka.brokers, 'ev.app', { partitions: 1 })
    const accepted = async () => (await send('m2', 'wk_app')).status === 200
    await until(accepted, { what: 'the key to be in force', timeoutMs: 30_000 })
    t.same(await idsIn('ev.app'), ['m2'])
    t.same(await idsIn('ev.shop'), ['m2'], 'keys, routes and topics came into force together')
    t.equal(refusals().length, 1, 'the problem is logged once')
  }
)

t.test('a key is revoked while a configured topic is missing in Kafka', async t => {
  const topics = { EVENTS_TOPIC: 'gone.{source}', REJECTED_TOPIC: 'gone.rejected' }
  const env = { KAFKA_BROKERS, ...topics, KAFKA_CREATE_TOPICS: 'false' }
  for (const name of ['gone.web', 'gone.rejected']) await createTopic(kafka.brokers, name, { partitions: 1 })
  const two = SOURCES.replace('[wk_test]', '[wk_test, wk_old]')
  const { url, adminUrl, dir } = await startApp(t, { config: two, sink: 'configured', env })
  await until(async () => (await fetch(`${adminUrl}/readyz`)).status === 200, { what: 'the server to be ready' })
  await deleteTopic(kafka.brokers, 'gone.web')
  const tells = async () => (await (await fetch(`${adminUrl}/readyz`)).text()).includes('gone.web')
  await until(tells, { what: '/readyz to name the missing topic', timeoutMs: 60_000 })
  writeFileSync(join(dir, 'tributary.yml'), SOURCES)
  const status = async () => {
    const headers = { authorization: `Basic ${btoa('wk_old:')}` }
    return (await post(`${url}/v1/track`, { userId: 'u', event: 'e' }, headers)).status
  }
  await until(async () => (await status()) === 401, { what: 'the key to be refused', timeoutMs: 20_000 })
  t.pass('the key is revoked')
})

t.test('a file whose topics Kafka refuses changes nothing, and comes into force when the topics exist', async t => {
  const { logger, refusals } = createLog()
  const env = { KAFKA_BROKERS, EVENTS_TOPIC: 'reload', REJECTED_TOPIC: 'reload.rejected' }
  const { url, adminUrl, dir } = await startApp(t, { config: GOOD, sink: 'configured', env, logger })
  await until(async () => (await fetch(`${adminUrl}/readyz`)).status === 200, { what: 'the server to be ready' })
  const file = join(dir, 'tributary.yml')

  writeFileSync(file, BAD)
  await until(() => refusals().length > 0, { what: 'the message that the topics are missing' })
  const [{ problems, msg } = {}] = refusals()
  t.match(msg, /the config file in force stays/)
  t.match(problems, [/tributary\.yml:7:12: .*to_amplitude\.track/, /tributary\.yml:9:12: .*to_shop/])
  const event = (messageId: string) => ({ userId: 'u', event: 'e', messageId })
  t.equal((await post(`${url}/v1/track`, event('before'))).status, 200)
  t.equal(
    (await (await fetch(`${adminUrl}/readyz`)).text()).includes('to_shop'),
    false,
    'the configuration in force has no problem'
  )

  writeFileSync(file, BAD.replaceAll('to_', 'other_'))
  await until(
    async () => {
      await post(`${url}/v1/track`, event(`after-${Date.now()}`))
      return (await readTopic(kafka.brokers, 'other_shop').catch(() => [])).length > 0
    },
    { what: 'a record in the topic of the new destination' }
  )
  const before = await readTopic(kafka.brokers, 'to.first')
  t.equal(before.filter(({ headers }) => headers['messageId'] === 'before').length, 1)
  t.equal(refusals().length, 1, 'the problem is logged once')
})

t.test('rejected list and retry read the topics of all sources', async t => {
  const config = `sources:
  - { id: web, writeKeys: [wk_test] }
  - { id: shop, writeKeys: [wk_shop] }
`
  const env = { KAFKA_BROKERS, EVENTS_TOPIC: 'cli', REJECTED_TOPIC: 'cli.{source}.{type}', KAFKA_PARTITIONS: '2' }
  const { url, adminUrl, dir } = await startApp(t, { config, sink: 'configured', env })
  await until(async () => (await fetch(`${adminUrl}/readyz`)).status === 200, { what: 'the server to be ready' })
  const batch = (type: string) => ({
    batch: Array.from({ length: 30 }, (_, i) => ({ type, event: 'e', messageId: `${type}${i}` }))
  })
  await post(`${url}/v1/batch`, batch('track'))
  await post(`${url}/v1/batch`, batch('nothing'), { authorization: `Basic ${btoa('wk_shop:')}` })
  const rejected = (...args: string[]) =>
    run(process.execPath, [MAIN, 'rejected', ...args], { cwd: dir, env: { ...env, CONFIG_FILE: 'tributary.yml' } })

  const listed = await rejected('list')
  t.match(listed.stdout, /^60 rejected events\n/)
  t.match(listed.stdout, /type_invalid: 30 .*\n.*\n {2}sources {3}shop/)
  const ofWeb = await rejected('list', '--json', '--source', 'web')
  t.equal(ofWeb.stdout.split('\n').length - 1, 30)
  t.match((await rejected('list', '--since', '2026-11-23T12:00:01Z')).stdout, /^0 rejected events/)
  const sent = await rejected('retry', '--source', 'web', '--set', 'userId=u', '--send', '--url', url)
  t.match([sent.code, sent.stderr], [0, /30 rejected events, 30 of them sent/])
  t.equal((await readTopic(kafka.brokers, 'cli', { count: 30 })).length, 30)

  const gone = await rejected('list', '--from', 'log')
  t.match(gone.stdout, /^0 rejected events/)
  const env2 = { ...env, KAFKA_BROKERS: '127.0.0.1:9', CONFIG_FILE: 'tributary.yml' }
  const unreachable = await run(process.execPath, [MAIN, 'rejected', 'list'], { cwd: dir, env: env2 })
  t.match([unreachable.code, unreachable.stderr], [1, /^Kafka \(127\.0\.0\.1:9\) refuses connections/])
})
