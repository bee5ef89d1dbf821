import t from 'tap'
import { CONFIG, post, startApp } from '../support/app.ts'
import type { TestApp } from '../support/app.ts'

const CONSENTING = `${CONFIG}
destinations:
  - { name: Ads, topic: ads, consent: { categories: [ads] } }
  - { name: Both, topic: both, consent: { categories: [ads, stats] } }
  - { name: Any, topic: any, consent: { categories: [ads, stats], strategy: or } }
  - { name: Free, topic: free }
`
const ALL = ['Ads', 'Any', 'Both', 'Free']

type Row = Record<string, unknown>

/** The destinations that the last event went to. */
function wentTo({ sink }: TestApp): string[] {
  const topics = sink.records.at(-1)?.topics ?? []
  return ALL.filter(name => topics.includes(name.toLowerCase()))
}

const yes = { ads: true, stats: true }

/** Segment's table, line by line: the consent, the integrations, and which destinations get the event. */
const SEGMENT: readonly (readonly [unknown, object | undefined, readonly string[]])[] = [
  [undefined, undefined, ALL],
  [undefined, {}, ALL],
  [undefined, { Ads: false }, ['Any', 'Both', 'Free']],
  [null, undefined, ALL],
  [{}, undefined, ALL],
  [{}, {}, ['Free']],
  [{}, { All: true }, ['Free']],
  [{}, { All: false, Free: true }, ['Free']],
  [{}, { Free: false }, []],
  [{ categoryPreferences: null }, undefined, ALL],
  [{ categoryPreferences: {} }, undefined, ['Free']],
  [{ categoryPreferences: {} }, { Ads: true }, ['Free']],
  [{ categoryPreferences: yes }, undefined, ALL],
  [{ categoryPreferences: yes }, { Ads: false }, ['Any', 'Both', 'Free']],
  [{ categoryPreferences: yes }, { All: false }, []],
  [{ categoryPreferences: { ads: true } }, undefined, ['Ads', 'Free']],
  [{ categoryPreferences: { ads: true, stats: false } }, { Both: true }, ['Ads', 'Free']],
  [{ categoryPreferences: { stats: true } }, undefined, ['Free']],
  [{ categoryPreferences: { ads: false, stats: false } }, { All: true }, ['Free']],
  [{ categoryPreferences: { Ads: true, stats: true } }, undefined, ['Free']],
  [{ categoryPreferences: { ads: 'true', stats: 1 } }, undefined, ['Free']],
  [{ categoryPreferences: ['ads', 'stats'] }, undefined, ['Free']],
  ['ads', undefined, ['Free']]
]

t.test("Consent decides by Segment's table, before integrations, which cannot override it", async t => {
  const server = await startApp(t, { config: CONSENTING })
  const event = { type: 'track', userId: 'u', event: 'e' }
  for (const [consent, integrations, expected] of SEGMENT) {
    const name = JSON.stringify([consent, integrations])
    await post(`${server.url}/v1/track`, { ...event, context: { consent }, integrations })
    t.strictSame(wentTo(server), expected, name)
    // Like the batch's, below the event's own.
    await post(`${server.url}/v1/batch`, { batch: [event], context: { consent }, integrations })
    t.strictSame(wentTo(server), expected, `the batch with ${name} goes to the expected destinations`)
  }
  const mixed = {
    batch: [{ ...event, context: { consent: { categoryPreferences: yes } } }],
    context: { consent: { categoryPreferences: {} } }
  }
  await post(`${server.url}/v1/batch`, mixed)
  t.strictSame(wentTo(server), ALL, 'the consent of the event overrides that of the batch')
  const metrics = await (await fetch(`${server.adminUrl}/metrics`)).text()
  t.match(metrics, /tributary_destination_events_total\{destination="Ads",outcome="filtered",rule="consent"\} 2[0-9]/)
  t.notMatch(metrics, /destination="Free",outcome="filtered",rule="consent"/)
  t.ok(
    server.sink.records.every(({ topics }) => topics.includes('tributary.events')),
    'the topic of all events has each event'
  )
})

t.test('The event that reports consent goes to all destinations, as a track call only', async t => {
  const server = await startApp(t, { config: CONSENTING })
  const context = { consent: { categoryPreferences: {} } }
  await post(`${server.url}/v1/track`, { userId: 'u', event: 'Segment Consent Preference Updated', context })
  t.strictSame(wentTo(server), ALL)
  await post(`${server.url}/v1/page`, { userId: 'u', event: 'Segment Consent Preference Updated', context })
  t.strictSame(wentTo(server), ['Free'])
})

t.test("RudderStack's consentManagement blocks by denied categories, with and, and with or", async t => {
  const server = await startApp(t, { config: CONSENTING })
  for (const [management, expected] of [
    [{}, ALL],
    [null, ALL],
    [{ provider: 'oneTrust', allowedConsentIds: [], deniedConsentIds: [] }, ALL],
    [{ provider: 'oneTrust', allowedConsentIds: ['stats'], deniedConsentIds: ['ads'] }, ['Free']],
    [{ provider: 'oneTrust', allowedConsentIds: ['ads'], deniedConsentIds: ['stats'] }, ['Ads', 'Free']],
    [{ provider: 'oneTrust', allowedConsentIds: { a: 'ads' }, deniedConsentIds: { s: 'stats' } }, ['Ads', 'Free']],
    [{ provider: 'iubenda', deniedConsentIds: ['stats'], resolutionStrategy: 'and' }, ['Ads', 'Free']],
    [{ provider: 'iubenda', deniedConsentIds: ['stats'], resolutionStrategy: 'or' }, ALL],
    [{ provider: 'ketch', deniedConsentIds: ['ads'] }, ['Any', 'Both', 'Free']],
    [{ provider: 'ketch', deniedConsentIds: ['ads', 'stats'] }, ['Free']],
    [{ provider: 'custom', deniedConsentIds: ['ads'], resolutionStrategy: 'or' }, ['Any', 'Free']],
    [{ provider: 'custom', deniedConsentIds: ['other'] }, ALL]
  ] as const) {
    await post(`${server.url}/v1/track`, { userId: 'u', event: 'e', context: { consentManagement: management } })
    t.strictSame(wentTo(server), expected, JSON.stringify(management))
  }
  const both = {
    consentManagement: { deniedConsentIds: ['stats'] },
    consent: { categoryPreferences: { ads: false, stats: true } }
  }
  await post(`${server.url}/v1/track`, { userId: 'u', event: 'e', context: both })
  t.strictSame(wentTo(server), ['Free'], 'if both are present, both must allow the destination')
})

t.test('The settings document lists the categories, and has no list if no destination has any', async t => {
  const settings = async ({ url }: TestApp): Promise<Row> =>
    (await (await fetch(`${url}/v1/projects/wk_test/settings`)).json()) as Row
  for (const [config, expected] of [
    [CONSENTING, { allCategories: ['ads', 'stats'], hasUnmappedDestinations: true }],
    [CONSENTING.replace(/.*name: Free.*\n/, ''), { allCategories: ['ads', 'stats'], hasUnmappedDestinations: false }],
    [CONSENTING.replaceAll(/, consent: .*\n/g, ' }\n'), undefined],
    [CONSENTING.replaceAll('topic:', 'sources: [shop], topic:'), undefined]
  ] as const) {
    await t.test(JSON.stringify(expected ?? 'nothing'), async t => {
      t.strictSame((await settings(await startApp(t, { config })))['consentSettings'], expected)
    })
  }
})
