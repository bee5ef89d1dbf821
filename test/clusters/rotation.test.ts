/** Certificates, tokens and passwords that change while events arrive. The long form: ROTATION_SECONDS=300. */
import { renameSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { makeAuthority, type Issued } from '../support/clusters/authority.ts'
import { startKafkaTool } from '../support/clusters/kafka-tool.ts'
import { startRelay } from '../support/clusters/relay.ts'
import { MECHANISMS, oauthBroker, scramUser, startSecureKafka } from '../support/clusters/secure-kafka.ts'
import { startTokenIssuer } from '../support/clusters/token-issuer.ts'
import { freePort } from '../support/kafka-process.ts'
import { startLoad } from '../support/load.ts'
import { startServer } from '../support/server-process.ts'
import { until } from '../support/until.ts'
import { ownFolder } from '../support/own-folder.ts'

/** The duration of the load before and after each change. */
const STEP_MS = (Number(process.env['ROTATION_SECONDS'] ?? '12') * 1_000) / 4

t.test(
  '200 events a second: new passwords, secrets and certificates cost no event, no copy and no restart',
  async t => {
    const folder = ownFolder(t, { 'by-password': {}, 'by-token': {} })
    const authority = await makeAuthority(folder)
    const issuer = await startTokenIssuer(t)
    issuer.lifetime = 10
    const oauth = oauthBroker(issuer)
    const [plain, secure, controller] = [await freePort(), await freePort(), await freePort()]
    const relay = await startRelay(t, await freePort(), secure)
    const kafka = await startSecureKafka({
      security: 'SASL_SSL',
      certificate: await authority.issue('broker'),
      clients: authority,
      mechanisms: { 'SCRAM-SHA-512': MECHANISMS['SCRAM-SHA-512'], ...oauth.mechanisms },
      format: scramUser('SCRAM-SHA-512', 'alice', 'wonderland'),
      env: oauth.env,
      port: plain,
      properties: {
        ...oauth.properties,
        listeners: `PLAINTEXT://127.0.0.1:${plain},SECURE://127.0.0.1:${secure},CONTROLLER://127.0.0.1:${controller}`,
        'advertised.listeners': `PLAINTEXT://127.0.0.1:${plain},SECURE://127.0.0.1:${relay.port}`,
        'controller.quorum.voters': `1@127.0.0.1:${controller}`,
        'listener.name.secure.scram-sha-512.connections.max.reauth.ms': '3000',
        'listener.name.secure.oauthbearer.connections.max.reauth.ms': '3000'
      }
    })
    t.teardown(() => kafka.stop())
    const tool = await startKafkaTool(t, kafka.brokers)

    const at = (name: string): string => join(folder, name)
    const put = (name: string, text: string): void => {
      writeFileSync(at(`${name}.new`), text)
      renameSync(at(`${name}.new`), at(name))
    }
    const install = async ({ cert, key }: Issued): Promise<void> => {
      for (const [from, to] of [
        [key, 'live.key'],
        [cert, 'live.pem']
      ] as const) {
        await cp(from, at(`${to}.new`))
        renameSync(at(`${to}.new`), at(to))
      }
    }
    await install(await authority.issue('first'))
    put('password', 'wonderland\n')
    put('secret', 'swordfish\n')

    const tls = {
      KAFKA_SSL: 'true',
      KAFKA_SSL_CA: authority.ca,
      KAFKA_SSL_CERT: at('live.pem'),
      KAFKA_SSL_KEY: at('live.key')
    }
    const common = { KAFKA_BROKERS: `127.0.0.1:${relay.port}`, ...tls }
    const byPassword = await startServer(t, {
      dir: at('by-password'),
      env: {
        ...common,
        KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
        KAFKA_SASL_USERNAME: 'alice',
        KAFKA_SASL_PASSWORD_FILE: at('password')
      }
    })
    const byToken = await startServer(t, {
      dir: at('by-token'),
      env: {
        ...common,
        KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
        KAFKA_OAUTH_TOKEN_URL: issuer.tokenUrl,
        KAFKA_OAUTH_CLIENT_ID: 'tributary',
        KAFKA_OAUTH_CLIENT_SECRET_FILE: at('secret')
      }
    })
    const servers = [byPassword, byToken]
    await Promise.all(servers.map(server => server.ready(60_000)))
    const pids = servers.map(({ pid }) => pid)
    const loads = servers.map(({ url }) => startLoad(t, { url, eventsPerSecond: 100, users: 50, connections: 8 }))

    await sleep(STEP_MS)
    await tool.setScramPassword('alice', 'SCRAM-SHA-512', 'looking-glass')
    put('password', 'looking-glass\n')
    issuer.secret = 'marlin'
    put('secret', 'marlin\n')
    await sleep(STEP_MS)
    await install(await authority.issue('second'))
    const isInForce = (words: RegExp) => () => servers.every(({ stderr }) => words.test(stderr))
    await until(isInForce(/KAFKA_SSL_CERT and KAFKA_SSL_KEY: what the files hold/), {
      what: 'the new certificate to be in force',
      timeoutMs: 30_000
    })
    relay.cut()
    await sleep(STEP_MS)
    relay.cut()
    await sleep(STEP_MS)
    await Promise.all(loads.map(load => load.stop()))
    await Promise.all(servers.map(server => server.drained()))

    const read = (await tool.read('tributary.events')).map(({ headers }) => headers['messageId'])
    const stored = new Set(read)
    const acked = loads.flatMap(load => load.acked.map(({ id }) => id))
    t.comment(`${acked.length} events were acknowledged and ${read.length} read, with ${issuer.asked.length} tokens`)
    t.strictSame(
      acked.filter(id => !stored.has(id)),
      [],
      'no event is missing'
    )
    t.equal(read.length - stored.size, 0, 'no event is stored twice')
    t.ok(acked.length > 4 * (STEP_MS / 1_000) * 100, 'enough events were acknowledged')
    t.strictSame(
      servers.map(({ pid, running }) => [pid, running]),
      pids.map(pid => [pid, true]),
      'no server was restarted'
    )
    t.match(byPassword.stderr, /KAFKA_SASL_PASSWORD: what the files hold now is in force/)
    t.match(byToken.stderr, /KAFKA_OAUTH_CLIENT_SECRET: what the files hold now is in force/)
  }
)
