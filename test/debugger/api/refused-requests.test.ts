import t from 'tap'
import { basic, post, startApp } from '../../support/app.ts'
import type { TestApp } from '../../support/app.ts'
import { untilCalm } from '../../support/until.ts'

/** Of `/api/rejections`. */
interface RefusedGroup {
  readonly code: string
  readonly count: number
  readonly samples: readonly Readonly<Record<string, unknown>>[]
}

async function requestsOf({ adminUrl }: TestApp) {
  const text = await (await fetch(`${adminUrl}/api/rejections`)).text()
  const { requests } = JSON.parse(text) as { readonly requests: readonly RefusedGroup[] }
  return { text, requests, of: (code: string) => requests.find(group => group.code === code) }
}

const UNKNOWN = 'wk_somebodyElsesLongWriteKey123'
const MASKED = 'wk_som…123'

t.test('A page with a wrong key is listed wherever the key was refused, and no list has the whole key', async t => {
  const server = await startApp(t)
  const paths = {
    [`/analytics.js/v1/${UNKNOWN}/analytics.min.js`]: '/analytics.js/v1/:writeKey/analytics.min.js',
    [`/v1/projects/${UNKNOWN}/settings`]: '/v1/projects/:writeKey/settings',
    [`/sourceConfig/?writeKey=${UNKNOWN}`]: '/sourceConfig',
    [`/v1/pixel/track?writeKey=${UNKNOWN}&userId=u&event=e`]: '/v1/pixel/:type',
    [`/v1/pixel/track%3FwriteKey=${UNKNOWN}&userId=u&event=e`]: '/v1/pixel/:type'
  }
  const headers = { origin: 'https://shop.example', 'user-agent': 'a browser' }
  for (const [path, shown] of Object.entries(paths)) {
    const send = async () => {
      await fetch(server.url + path, { headers })
      const { text, of } = await requestsOf(server)
      return { text, latest: of('write_key_unknown')?.samples[0], isOverloaded: of('overloaded') !== undefined }
    }
    const { text, latest } = await untilCalm(send, answer => answer.isOverloaded && answer.latest?.['path'] !== shown)
    t.match(latest, { path: shown, origin: 'https://shop.example', key: MASKED, source: '', client: 'a browser' })
    t.match(latest?.['message'], /^no source has this write key/, path)
    t.notMatch(text, UNKNOWN)
  }
  t.match((await requestsOf(server)).of('write_key_unknown'), { count: Object.keys(paths).length })
})

t.test('A refused request says what decided: the origin, the source, and what the source allows', async t => {
  const server = await startApp(t)
  await post(`${server.url}/v1/t`, {}, { authorization: basic('wk_shop'), origin: 'https://evil.example' })
  await post(`${server.url}/v1/t`, {}, { authorization: basic('wk_off') })
  await post(`${server.url}/v1/t`, '{"event":', { authorization: basic() })
  await post(`${server.url}/v1/t`, { userId: 'u', writeKey: UNKNOWN }, {})
  const { of, text } = await requestsOf(server)
  t.match(of('origin_not_allowed')?.samples, [
    {
      origin: 'https://evil.example',
      source: 'shop',
      message: "The page's origin https://evil.example is not in allowedOrigins of shop (https://shop.example)"
    }
  ])
  t.match(of('source_disabled')?.samples, [{ source: 'off', origin: '' }])
  t.match(of('write_key_unknown')?.samples, [
    { key: MASKED, message: 'no source has this write key (writeKey in the body)' }
  ])
  t.notMatch(text, UNKNOWN)
})

t.test('What a client writes into its head is kept short', async t => {
  const server = await startApp(t)
  const long = 'x'.repeat(5_000)
  const headers = { authorization: basic('wk_shop'), origin: `https://${long}`, 'user-agent': long }
  await post(`${server.url}/v1/t`, {}, headers)
  const [sample = {}] = (await requestsOf(server)).of('origin_not_allowed')?.samples ?? []
  t.ok(JSON.stringify(sample).length < 2_000, 'the sample is short, however long the head is')
})

t.test('no address is kept of a request of which the source is not known, if one source keeps none', async t => {
  const config =
    'sources:\n  - { id: web, writeKeys: [wk_test] }\n  - { id: shop, writeKeys: [wk_shop], privacy: { ip: drop } }\n'
  const server = await startApp(t, { config })
  await fetch(`${server.url}/v1/pixel/nonsense?writeKey=wk_shop&userId=u&event=e`)
  await post(`${server.url}/v1/t`, '{"writeKey":"wk_shop","event":', {})
  const { requests } = await requestsOf(server)
  const samples = requests.flatMap(group => group.samples)
  t.ok(samples.length >= 2)
  t.strictSame([...new Set(samples.map(({ address }) => address))], [''])
})
