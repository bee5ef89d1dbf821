import { createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { CONFIG, post, startApp } from '../support/app.ts'
import type { TestApp } from '../support/app.ts'
import { until } from '../support/until.ts'

const KEY_OF_TESTS = 'a key of the tests'
const env = { PRIVACY_HASH_KEY: KEY_OF_TESTS }
const hmac = (text: string): string => createHmac('sha256', KEY_OF_TESTS).update(text).digest('hex')

type Row = Record<string, unknown>

const lines = ({ sink }: TestApp): string[] => sink.records.map(({ line }) => line.toString())
const events = (server: TestApp): Row[] => lines(server).map(line => JSON.parse(line) as Row)

async function details({ adminUrl }: TestApp): Promise<Row[]> {
  return ((await (await fetch(`${adminUrl}/api/events?detail=true`)).json()) as { events: Row[] }).events
}

/** All output of the server, and every record that it has published. */
async function allText(server: TestApp): Promise<string> {
  const paths = ['/metrics', '/api/events?detail=true', '/api/rejections', '/api/sources', '/api/overview']
  const texts = await Promise.all(paths.map(async path => (await fetch(server.adminUrl + path)).text()))
  const records = server.sink.records.map(({ line, key, messageId }) => `${line.toString()} ${key} ${messageId}`)
  return [...texts, ...records].join('\n')
}

const library = { name: 'analytics.js', version: '1' }

t.test('An IP address is shortened or removed before anything is stored or shown, whoever has sent it', async t => {
  for (const [policy, filled, own, mapped] of [
    ['truncate', '203.0.113.0', '198.51.100.0', '2001:db8:85a3::'],
    ['drop', undefined, undefined, undefined]
  ] as const) {
    await t.test(policy, async t => {
      const config = `${CONFIG}\nprivacy: { ip: ${policy} }\n`
      const server = await startApp(t, { config, env: { TRUST_PROXY: 'true' } })
      const headers = (address: string) => ({
        authorization: `Basic ${Buffer.from('wk_test:').toString('base64')}`,
        'x-forwarded-for': address
      })
      const send = (body: object, path = 'batch') => post(`${server.url}/v1/${path}`, body, headers('203.0.113.77'))
      const track = { type: 'track', userId: 'u', event: 'e' }
      await send({ ...track, context: { library } }, 'track')
      await send({ batch: [{ ...track, context: { ip: '198.51.100.7', library } }] })
      await send({ batch: [track], context: { ip: '2001:db8:85a3:8d3:1319:8a2e:370:7348' } })
      await send({ batch: [{ ...track, context: { a: 1 } }], context: { library } })
      t.strictSame(
        events(server).map(({ context }) => (context as { ip?: string }).ip),
        [filled, own, mapped, filled]
      )
      await send({ batch: [{ type: 'track', event: 'e', context: { ip: '198.51.100.7' } }] })
      await post(`${server.url}/v1/batch`, '{"batch":', headers('203.0.113.77'))
      await post(`${server.url}/v1/batch`, '{}', { authorization: 'Basic d3Jvbmc6', 'x-forwarded-for': '203.0.113.77' })
      const text = await allText(server)
      t.notMatch(text, /203\.0\.113\.77|198\.51\.100\.7"|8a2e/)
      t.match(text, /tributary_governed_events_total\{source="web",rule="ip"\}/)
    })
  }
})

const RULES = `${CONFIG}
privacy:
  drop: [context.userAgentData, properties.card.number]
  dropKeys: ['*password*']
  hash: [userId, traits.email, properties.list.*.ssn]
  hashKeys: ['*phone*']
`

t.test('Members are removed or hashed by path and by key, and every other byte stays as received', async t => {
  const server = await startApp(t, { config: RULES, env })
  const email = ' Ann@Example.com '
  const batch = `{"context":{"userAgentData":{"model":"secret-1"},"app":"x"},"batch":[
{"type":"identify","userId":"secret-u","messageId":"m1","traits":{"email":"${email}","n": 12345678901234567890,"m":1.10,"Phone":"secret-2"},"extra":{"e":"\\u0041"}},
{"type":"track","userId":"secret-u","messageId":"m2","event":"e","properties":{"card":{"number":"secret-3","kind":1.0},"list":[{"ssn":77},{"ssn":"secret-4","o":[]}]},"context":{"userAgentData":"secret-5"}},
{"type":"track","anonymousId":"anon","messageId":"m3","event":"e","properties":{"untouched":[1.10,-0,1e3,"\\ud83d\\ude00"] , "nothing" : null},"context":{"app":"y"}},
{"type":"alias","userId":"new","previousId":"secret-u","messageId":"m4","loginPassword":"secret-6"}]}`
  const { status } = await post(`${server.url}/v1/batch`, batch)
  t.equal(status, 200)
  const written = lines(server)
  const tail = /,"timestamp".*\n/
  t.strictSame(
    written.map(line => line.replace(tail, '')),
    [
      `{"type":"identify","userId":"${hmac('secret-u')}","messageId":"m1","traits":{"email":"${hmac('ann@example.com')}","n": 12345678901234567890,"m":1.10,"Phone":"${hmac('secret-2')}"},"extra":{"e":"\\u0041"},"context":{"app":"x"}`,
      `{"type":"track","userId":"${hmac('secret-u')}","messageId":"m2","event":"e","properties":{"card":{"kind":1.0},"list":[{"ssn":"${hmac('77')}"},{"ssn":"${hmac('secret-4')}","o":[]}]},"context":{"app":"x"}`,
      `{"type":"track","anonymousId":"anon","messageId":"m3","event":"e","properties":{"untouched":[1.10,-0,1e3,"\\ud83d\\ude00"] , "nothing" : null},"context":{"app":"y"}`,
      `{"type":"alias","userId":"${hmac('new')}","previousId":"${hmac('secret-u')}","messageId":"m4","loginPassword":null,"context":{"app":"x"}`
    ]
  )
  t.equal(server.sink.records[0]?.key, hmac('secret-u'), 'the events of one user still have one key')
  const text = await allText(server)
  t.notMatch(text, /secret-|Ann@Example/i)
  const [alias] = await details(server)
  t.match(JSON.stringify(alias?.['journey']), /drop: \*password\*.*hash: userId|hash: userId.*drop: \*password\*/)
})

t.test('Privacy rules apply to a refused event, and an unreadable event is stored without its payload', async t => {
  const server = await startApp(t, { config: RULES, env })
  const { status } = await post(
    `${server.url}/v1/batch`,
    `{"batch":[{"type":"track","userId":"secret-u","traits":{"email":"secret-1","n":1.10}},
{"type":"track","userId":"u","event":"e","properties":{"password":"secret-2","n":NaN}},
"secret-3",
{"type":"track","userId":"u","event":"e","event":"secret-password","properties":{"password":"secret-4"},"password":"secret-5"},
{"type":"track","userId":"u","event":"e","properties":${'[{"password":"secret-6","a":'.repeat(70)}1${'}]'.repeat(70)}}]}`
  )
  t.equal(status, 400)
  const [cleaned, notJson, notObject, twice, deep] = events(server)
  t.strictSame(cleaned?.['event'], {
    type: 'track',
    userId: hmac('secret-u'),
    traits: { email: hmac('secret-1'), n: 1.1 }
  })
  t.match(lines(server)[0], /"n":1\.10/)
  t.match([notJson, notObject, deep], [{ event: null }, { event: null }, { event: null }])
  t.match(twice, { code: 'duplicate_key' })
  await post(`${server.url}/v1/batch`, '{"batch":[{"password":"secret-7"')
  const text = await allText(server)
  t.notMatch(text, /secret-[1-7u]/)
  t.match(text, /tributary_rejected_bodies_total\{source="web",outcome="withheld"\} 1/)
})

t.test('An event over the rate of its source is shown without its payload', async t => {
  const server = await startApp(t, { config: RULES, env })
  const key = { authorization: `Basic ${Buffer.from('wk_slow:').toString('base64')}` }
  const event = { type: 'track', userId: 'secret', event: 'e', properties: { password: 'secret' } }
  const batch = Array.from({ length: 2000 }, () => event)
  await post(`${server.url}/v1/batch`, { batch }, key)
  t.equal((await post(`${server.url}/v1/batch`, { batch }, key)).status, 429)
  t.notMatch(await (await fetch(`${server.adminUrl}/api/events?detail=true&limit=5`)).text(), /secret/)
})

t.test("A source's own rules replace the file's key by key, and other sources keep theirs", async t => {
  const own = CONFIG.replace('- id: slow', '- id: slow\n    privacy: { drop: [], ip: keep }')
  const server = await startApp(t, { config: `${own}\nprivacy: { drop: [properties.a], ip: drop }\n` })
  const event = { userId: 'u', event: 'e', properties: { a: 1, b: 2 }, context: { ip: '198.51.100.7' } }
  await post(`${server.url}/v1/track`, event)
  await post(`${server.url}/v1/track`, event, { authorization: `Basic ${Buffer.from('wk_slow:').toString('base64')}` })
  t.match(events(server), [
    { properties: { a: undefined, b: 2 }, context: { ip: undefined } },
    { properties: { a: 1, b: 2 }, context: { ip: '198.51.100.7' } }
  ])
})

t.test('Rules that hash without a key are an error at the start, and never come into force as an edit', async t => {
  const hashing = `${CONFIG}\nprivacy: { hash: [userId] }\n`
  await t.rejects(startApp(t, { config: hashing }), /set PRIVACY_HASH_KEY or PRIVACY_HASH_KEY_FILE/)
  await t.rejects(startApp(t, { config: hashing, env: { PRIVACY_HASH_KEY: 'short' } }), /shorter than 16/)
  await t.test('an edit', async t => {
    const warned: string[] = []
    const { pino } = await import('pino')
    const logger = pino({ level: 'warn' }, { write: (line: string) => void warned.push(line) })
    const server = await startApp(t, { logger })
    writeFileSync(join(server.dir, 'tributary.yml'), hashing)
    await until(() => warned.some(line => line.includes('PRIVACY_HASH_KEY')), { what: 'the problem in the log' })
    await post(`${server.url}/v1/track`, { userId: 'u', event: 'e' })
    t.match(events(server), [{ userId: 'u' }], 'the last valid file is in force')
  })
})

t.test('The key of the HMAC can be in a file, and is shown nowhere', async t => {
  const dir = t.testdir({ key: `${KEY_OF_TESTS}\n` })
  await t.test('from a file', async t => {
    const server = await startApp(t, { config: RULES, env: { PRIVACY_HASH_KEY_FILE: join(dir, 'key') } })
    await post(`${server.url}/v1/track`, { userId: 'u', event: 'e' })
    t.match(events(server), [{ userId: hmac('u') }])
    t.notMatch(await allText(server), new RegExp(KEY_OF_TESTS))
  })
})

t.test('Rules that match nothing in an event leave its bytes as without rules', async t => {
  const batch = (seed: number): string => {
    const numbers = ['1.10', '12345678901234567890', '-0', '1E+2', '0.1e-7']
    const event = (index: number): string => {
      const number = numbers[(seed + index) % numbers.length]
      const blank = ['', ' ', '\n', ' \t'][(seed * 7 + index) % 4]
      return `{${blank}"type":"track","messageId":"m${seed}-${index}","userId":"u\\u00e4${index}",${blank}"event":"e","properties":{"n":${number},${blank}"s":"\\u0041\\/","o":{"z":1,"a":[]}},"context":{"ip":"0.0.0.0","q":${number}}}`
    }
    return `{"batch":[${Array.from({ length: 10 }, (_, index) => event(index)).join(',')}],"context":{"a":${numbers[seed % 5]}}}`
  }
  const written: string[][] = []
  for (const config of [CONFIG, `${RULES}  ip: truncate\n`.replace('hash: [userId, ', 'hash: [')]) {
    await t.test('with and without', async t => {
      const server = await startApp(t, { config, env })
      for (let seed = 0; seed < 20; seed++) await post(`${server.url}/v1/batch`, batch(seed))
      written.push(lines(server))
    })
  }
  t.equal(written[0]?.length, 200)
  t.strictSame(written[1], written[0])
})
