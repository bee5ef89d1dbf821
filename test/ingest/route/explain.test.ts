import t from 'tap'
import { allowsConsent, whyNoConsent } from '../../../src/ingest/route/consent.ts'
import { createExplainer } from '../../../src/ingest/route/explain.ts'
import { RouteHistory } from '../../../src/ingest/route/route-history.ts'
import type { Destination } from '../../../src/model/destination.ts'

const to = (name: string): Destination => ({ name, topic: name, enabled: true, sources: undefined, types: undefined })

t.test('Each refusal of consent is told with the categories or the form that it is for', async t => {
  const rule = { categories: ['C1', 'C2'] }
  const cases: readonly [object, boolean, string][] = [
    [{ consent: 7 }, false, "the event's context.consent is not an object"],
    [{ consent: {} }, true, "the event's context.consent has no categoryPreferences, and it has integrations"],
    [
      { consent: { categoryPreferences: { C1: true } } },
      false,
      'the user has not consented to C2 (context.consent.categoryPreferences)'
    ],
    [
      { consent: { categoryPreferences: 'all' } },
      false,
      'the user has not consented to C1, C2 (context.consent.categoryPreferences)'
    ],
    [{ consentManagement: { deniedConsentIds: ['C2'] } }, false, 'the user has denied C2 (context.consentManagement)'],
    [
      { consentManagement: { deniedConsentIds: { a: 'C1' } } },
      false,
      'the user has denied C1 (context.consentManagement)'
    ]
  ]
  for (const [context, hasIntegrations, expected] of cases) {
    const signs = { consent: undefined, consentManagement: undefined, ...context }
    t.notOk(allowsConsent(rule, signs, hasIntegrations), expected)
    t.equal(whyNoConsent(rule, signs, hasIntegrations), expected)
  }
})

t.test('The last eight configurations are known, and an edit of other parts of the file is none', async t => {
  let now = 0
  const history = new RouteHistory([to('d0')], () => now)
  for (let i = 1; i <= 8; i++) {
    now = i * 10
    history.note([to(`d${i}`)])
    now++
    history.note([to(`d${i}`)])
  }
  const explain = createExplainer({ history: () => history.kept, eventsTopic: 'all', hasKafka: true })
  const namesAt = (at: number) => {
    const { by, changed, reasons } = explain({ source: 'web', type: 'track', at, event: {} })
    return [by, changed, ...reasons.filter(({ rule }) => rule === null).map(({ destination }) => destination)]
  }
  t.strictSame(namesAt(80), ['then', false, 'd8'])
  t.strictSame(namesAt(79), ['then', true, 'd7'])
  t.strictSame(namesAt(10), ['then', true, 'd1'])
  t.strictSame(namesAt(9), ['now', null, 'd8'], 'older ones are forgotten')
})
