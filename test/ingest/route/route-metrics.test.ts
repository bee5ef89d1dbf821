import t from 'tap'
import { SinkUnavailable } from '../../../src/model/sink.ts'
import { post, startApp } from '../../support/app.ts'

const config = `
sources:
  - { id: web, writeKeys: [wk_test] }
  - { id: shop, writeKeys: [wk_shop] }
destinations:
  - { name: Amplitude, topic: to.amplitude }
  - { name: Mixpanel, topic: 'to.mixpanel.{type}', types: [track], events: { deny: [Noise] } }
  - { name: Shop, topic: to.shop, sources: [shop] }
  - { name: Nobody, topic: to.nobody, sample: { rate: 0 } }
  - { name: Off, topic: to.off, enabled: false }
`

async function readCounts(adminUrl: string): Promise<{ labels: Record<string, string>; value: number }[]> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text()
  return [...text.matchAll(/^tributary_(?:destination_events|unknown_integrations)_total\{(.*)\} (\d+)$/gm)].map(
    ([, labels = '', value]) => ({
      labels: Object.fromEntries(
        [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', text = '']) => [name, text])
      ),
      value: Number(value)
    })
  )
}

const batch = (name: string, ...events: object[]): object => ({
  batch: events.map((event, index) => ({
    type: 'track',
    userId: 'u',
    event: 'E',
    messageId: `${name}${index}`,
    ...event
  }))
})

t.test('each accepted event is counted once for each destination: as routed, or as filtered with the rule', async t => {
  const { url, adminUrl, sink } = await startApp(t, { config })
  const events = batch(
    'a',
    {},
    { event: 'Noise' },
    { type: 'page', event: undefined },
    { integrations: { All: false, Mixpanel: { id: 1 }, 'some free text': true } },
    { userId: undefined },
    { messageId: 'a0' }
  )
  t.equal((await post(`${url}/v1/batch`, events)).status, 200)
  const counts = await readCounts(adminUrl)
  const of = (destination: string) =>
    Object.fromEntries(
      counts
        .filter(({ labels }) => labels['destination'] === destination)
        .map(({ labels, value }) => [labels['rule'] || labels['outcome'], value])
    )
  t.same(of('Amplitude'), { routed: 3, integrations: 1 })
  t.same(of('Mixpanel'), { routed: 2, events: 1, type: 1 })
  t.same(of('Shop'), { source: 4 })
  t.same(of('Nobody'), { sample: 4 })
  t.same(of('Off'), { disabled: 4 })
  t.same(
    counts.filter(({ labels }) => labels['source'] === 'web'),
    [{ labels: { source: 'web' }, value: 1 }]
  )
  t.notMatch(JSON.stringify(counts), /free text/)
  t.same(
    sink.records.map(({ topics }) => topics.filter(topic => topic.startsWith('to.'))),
    [['to.amplitude', 'to.mixpanel.track'], ['to.amplitude'], ['to.amplitude'], ['to.mixpanel.track'], []]
  )
})

t.test('an event that could not be made durable counts as failed for its destinations', async t => {
  const { url, adminUrl, sink } = await startApp(t, { config })
  sink.failure = new SinkUnavailable('not now')
  t.equal((await post(`${url}/v1/batch`, batch('b', {}, {}))).status, 503)
  sink.failure = undefined
  t.equal((await post(`${url}/v1/batch`, batch('b', {}, {}))).status, 200)
  const counts = (await readCounts(adminUrl)).filter(({ labels }) => labels['destination'] === 'Amplitude')
  t.same(
    new Map(counts.map(({ labels, value }) => [labels['outcome'], value])),
    new Map([
      ['routed', 2],
      ['failed', 2]
    ])
  )
})
