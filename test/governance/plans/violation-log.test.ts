import t from 'tap'
import type { ReportedViolation } from '../../../src/governance/plans/enforce/enforcement.ts'
import { VIOLATION_BOUNDS, ViolationLog } from '../../../src/governance/plans/enforce/violation-log.ts'

const NOW = '2026-11-28T12:00:00.000Z'
const LATER = '2026-11-28T13:00:00.000Z'
const wrong = (...path: (string | number)[]): ReportedViolation => ({
  kind: 'violation',
  type: 'Invalid Type',
  field: path.join('.'),
  description: 'Invalid type. Expected: string, given: integer',
  path,
  done: 'report'
})
const event = (name: string, messageId: string, ...reported: ReportedViolation[]) => ({
  source: 'web',
  type: 'track',
  name,
  sdk: 'analytics.js 2.1.0',
  messageId,
  reported
})

t.test(
  'violations are counted by source, event, field and kind, each event once, with SDKs and the latest samples',
  async t => {
    const log = new ViolationLog()
    log.add(event('Order', 'm0', wrong('properties', 'items', 0, 'sku'), wrong('properties', 'items', 1, 'sku')), NOW)
    for (let i = 1; i <= 6; i++) log.add(event('Order', `m${i}`, wrong('properties', 'items', 0, 'sku')), LATER)
    log.add(event('Other', '', { ...wrong('properties', 'id'), done: 'omit' }), LATER)
    log.add(event('Other', '', { ...wrong('properties', 'id'), done: 'block' }), LATER)
    const [first, second, ...others] = log.list()
    t.strictSame(others, [])
    t.match(first, {
      name: 'Order',
      field: 'properties.items.[].sku',
      kind: 'violation',
      violation: 'Invalid Type',
      events: 7,
      firstSeen: NOW,
      lastSeen: LATER
    })
    t.strictSame(first?.sdks, { 'analytics.js 2.1.0': 7 })
    t.strictSame(first?.samples, ['m2', 'm3', 'm4', 'm5', 'm6'])
    t.match(second, { name: 'Other', events: 2 })
    t.strictSame([first?.done, second?.done], [{ report: 7 }, { omit: 1, block: 1 }])
    t.strictSame(second?.samples, [])
  }
)

t.test('the list is bounded: further kinds are counted and not stored, and further SDKs share one name', async t => {
  const log = new ViolationLog()
  for (let i = 0; i < VIOLATION_BOUNDS.groups + 3; i++) log.add(event(`E${i}`, '', wrong('properties', 'a')), NOW)
  t.equal(log.list().length, VIOLATION_BOUNDS.groups)
  t.equal(log.dropped, 3)
  for (let i = 0; i < 30; i++) log.add({ ...event('E0', '', wrong('properties', 'a')), sdk: `sdk ${i}` }, NOW)
  const sdks = log.list()[0]?.sdks ?? {}
  t.equal(Object.keys(sdks).length, VIOLATION_BOUNDS.sdks + 1)
  t.equal(sdks['others'], 21)
})
