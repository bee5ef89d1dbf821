/** OAuth in a fleet with a real Kafka: a command adds an app for all servers, and an assertion can be used once. */
import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { testFleet } from '../support/fleet.ts'
import { startKafka } from '../support/kafka.ts'
import type { TestKey } from '../support/oauth.ts'
import { askToken, assertionFor, tokenForm } from '../support/oauth.ts'

const BASE = 'https://events.example.com'
const ROUNDS = 10

const kafka = await startKafka({ heap: '320m' })
t.teardown(() => kafka.stop())

t.test('an assertion can be used for one token in the whole fleet, whichever servers receive it', async t => {
  const fleet = testFleet(t, kafka.brokers, { PUBLIC_URL: BASE })
  const [a, b, c] = await Promise.all([fleet.server('a'), fleet.server('b'), fleet.server('c')])
  await Promise.all([a.start(), b.start()])
  await Promise.all([a.ready(), b.ready()])
  const added = await fleet.tributary(['apps', 'add', 'billing'])
  t.equal(added.code, 0, added.stderr)
  t.match(added.stderr, /in force on 2 of 2/)
  const privatePem = readFileSync(join(fleet.dir, 'billing-k1.pem'), 'utf8')
  const privateKey = createPrivateKey(privatePem)
  const key: TestKey = { kid: 'k1', alg: 'RS256', privateKey, privatePem, publicKey: privateKey, publicPem: '' }
  const newForm = async (): Promise<string> =>
    tokenForm(await assertionFor({ app: 'billing', key, audience: BASE, nowSeconds: Date.now() / 1000 }))

  let last = ''
  for (let round = 0; round < ROUNDS; round++) {
    last = await newForm()
    const answers = await Promise.all([a, b, a, b].map(({ url }) => askToken(url, last)))
    t.strictSame(
      answers.map(({ status }) => status).toSorted((x, y) => x - y),
      [200, 401, 401, 401]
    )
  }
  await c.start()
  await c.ready()
  t.equal((await askToken(c.url, last)).status, 401, 'a server that starts later also knows the used assertion')
  t.equal((await askToken(c.url, await newForm())).status, 200)
  for (const { stderr } of [a, c]) {
    const warnings = stderr.split('\n').filter(line => line.includes('OAUTH_SIGNING_KEY_FILE'))
    t.equal(warnings.length, 1, 'each server logs once that the others do not know its tokens')
  }
})
