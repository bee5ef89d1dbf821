/**
 * Clusters whose addresses, brokers and passwords change under load, while the server continues. `npm run
 * test:clusters` runs the long form (CLUSTERS=long): three brokers are replaced one by one, and other tests that take
 * minutes.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { assertAllThereOnce, loadOf } from '../support/clusters/acked-load.ts'
import { makeAuthority } from '../support/clusters/authority.ts'
import { startKafkaTool } from '../support/clusters/kafka-tool.ts'
import { startRelay } from '../support/clusters/relay.ts'
import { startReplaceableCluster, startSecureCluster } from '../support/clusters/secure-cluster.ts'
import { MECHANISMS, scramUser, startSecureKafka } from '../support/clusters/secure-kafka.ts'
import { startKafka, type Kafka } from '../support/kafka.ts'
import { freePort } from '../support/kafka-process.ts'
import { ownFolder } from '../support/own-folder.ts'
import { startServer } from '../support/server-process.ts'
import { until } from '../support/until.ts'

/** The duration of the load before and after each change. */
const STEP_MS = 2_000

/** The long form, CLUSTERS=long, includes the tests that take minutes. */
const IS_LONG = process.env['CLUSTERS'] === 'long'

/** Stops a broker and starts it again with other settings. */
async function reconfigure(kafka: Kafka, change: (settings: string) => string): Promise<void> {
  await kafka.kill('SIGTERM')
  const file = join(kafka.dir, 'server.properties')
  writeFileSync(file, change(readFileSync(file, 'utf8')))
  await kafka.restart()
}

t.test('a broker that returns under another advertised address is found by the list', async t => {
  const [real, controller] = [await freePort(), await freePort()]
  const [list, before, after] = [
    await startRelay(t, await freePort(), real),
    await startRelay(t, await freePort(), real),
    await startRelay(t, await freePort(), real)
  ]
  const listeners = `PLAINTEXT://127.0.0.1:${real},CONTROLLER://127.0.0.1:${controller}`
  const kafka = await startKafka({
    port: real,
    properties: {
      listeners,
      'controller.quorum.voters': `1@127.0.0.1:${controller}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${before.port}`
    }
  })
  t.teardown(() => kafka.stop())
  const server = await startServer(t, { env: { KAFKA_BROKERS: `127.0.0.1:${list.port}` } })
  await server.ready(60_000)
  const load = loadOf(t, server)
  await sleep(STEP_MS)
  before.close()
  await reconfigure(kafka, settings => settings.replace(`127.0.0.1:${before.port}`, `127.0.0.1:${after.port}`))
  await until(async () => (await server.readyz()).text.includes('"status":"ok"'), {
    what: '/readyz to be ok with Kafka',
    timeoutMs: 120_000
  })
  await sleep(STEP_MS)
  const tool = await startKafkaTool(t, kafka.brokers)
  const { sent } = await assertAllThereOnce(t, load, { server, tool })
  t.ok(sent > 300, `${sent} events were sent`)
})

t.test('a cluster is still found after every broker in KAFKA_BROKERS was replaced', async t => {
  const ids = IS_LONG ? [1, 2, 3] : [1]
  const start = await startReplaceableCluster(t, IS_LONG ? 3 : 1)
  const first = new Map(await Promise.all(ids.map(async id => [id, await start(id)] as const)))
  const list = [...first.values()].map(({ brokers }) => brokers[0] as string)
  const server = await startServer(t, {
    env: { KAFKA_BROKERS: list.join(','), KAFKA_REPLICATION_FACTOR: String(ids.length) }
  })
  await server.ready(60_000)
  const load = loadOf(t, server)
  await sleep(STEP_MS)
  const second: Kafka[] = []
  let tool = await startKafkaTool(t, list)
  for (const [id, old] of first) {
    const fresh = await start(id + 10)
    second.push(fresh)
    await tool.move(id, id + 10)
    await sleep(STEP_MS)
    await old.kill('SIGTERM')
    tool = await startKafkaTool(t, [fresh.brokers[0] as string])
    await sleep(STEP_MS)
  }
  await until(async () => (await server.readyz()).text.includes('"status":"ok"'), {
    what: '/readyz to be ok with Kafka',
    timeoutMs: 120_000
  })
  await sleep(STEP_MS)
  // The connection to the remaining broker is cut too, so that the client can only use the known brokers.
  for (const fresh of second) await fresh.restart()
  await until(async () => (await server.readyz()).text.includes('"status":"ok"'), {
    what: '/readyz to be ok with Kafka again',
    timeoutMs: 120_000
  })
  await sleep(STEP_MS)
  const { sent } = await assertAllThereOnce(t, load, { server, tool })
  t.ok(sent > 500, `${sent} events were sent`)
})

async function changePlainPassword(t: Test): Promise<void> {
  const kafka = await startSecureKafka({
    security: 'SASL_PLAINTEXT',
    mechanisms: { PLAIN: MECHANISMS.PLAIN },
    properties: { 'listener.name.secure.plain.connections.max.reauth.ms': '2000' }
  })
  t.teardown(() => kafka.stop())
  const tool = await startKafkaTool(t, kafka.brokers)
  const dir = ownFolder(t)
  const file = join(dir, 'password')
  const put = (password: string): void => {
    writeFileSync(`${file}.new`, `${password}\n`)
    renameSync(`${file}.new`, file)
  }
  put('builder')
  const server = await startServer(t, {
    dir,
    env: {
      KAFKA_BROKERS: kafka.secureBrokers.join(','),
      KAFKA_SASL_MECHANISM: 'PLAIN',
      KAFKA_SASL_USERNAME: 'bob',
      KAFKA_SASL_PASSWORD_FILE: file
    }
  })
  await server.ready(60_000)
  const load = loadOf(t, server)
  await sleep(STEP_MS)
  await reconfigure(kafka, settings => settings.replace('user_bob="builder"', 'user_bob="fixer"'))
  await until(async () => /KAFKA_SASL_PASSWORD/.test((await server.readyz()).text), {
    what: '/readyz to name the password',
    timeoutMs: 60_000
  })
  put('fixer')
  await until(async () => (await server.readyz()).text.includes('"status":"ok"'), {
    what: '/readyz to be ok with Kafka',
    timeoutMs: 120_000
  })
  await sleep(STEP_MS)
  const { sent } = await assertAllThereOnce(t, load, { server, tool })
  t.ok(sent > 300, `${sent} events were sent`)
}

async function restartSecureCluster(t: Test): Promise<void> {
  const dir = ownFolder(t)
  const authority = await makeAuthority(dir)
  const nodes = await startSecureCluster({
    authority,
    mechanisms: { 'SCRAM-SHA-512': MECHANISMS['SCRAM-SHA-512'] },
    format: scramUser('SCRAM-SHA-512', 'alice', 'wonderland')
  })
  t.teardown(() => Promise.all(nodes.map(({ kafka }) => kafka.stop())))
  const client = await authority.issue('client')
  const server = await startServer(t, {
    dir,
    env: {
      KAFKA_BROKERS: nodes.map(({ secure }) => secure).join(','),
      KAFKA_SSL: 'true',
      KAFKA_SSL_CA: authority.ca,
      KAFKA_SSL_CERT: client.cert,
      KAFKA_SSL_KEY: client.key,
      KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
      KAFKA_SASL_USERNAME: 'alice',
      KAFKA_SASL_PASSWORD: 'wonderland'
    }
  })
  await server.ready(60_000)
  const load = loadOf(t, server)
  await sleep(STEP_MS)
  for (const { kafka } of IS_LONG ? nodes : nodes.slice(0, 1)) {
    await kafka.restart()
    await sleep(STEP_MS)
  }
  const last = nodes[2] as (typeof nodes)[number]
  await last.kafka.kill('SIGKILL')
  await sleep(STEP_MS)
  await last.kafka.restart()
  const tool = await startKafkaTool(
    t,
    nodes.map(({ kafka }) => kafka.brokers[0] as string)
  )
  const { sent } = await assertAllThereOnce(t, load, { server, tool })
  t.ok(sent > 300, `${sent} events were sent`)
}

if (IS_LONG) {
  t.test(
    'PLAIN: a password that changes with a restart of the brokers, and in its file, costs no event',
    changePlainPassword
  )
  t.test(
    'three brokers with TLS, client certificates and SCRAM: each is restarted, and one is killed',
    restartSecureCluster
  )
}
