import t from 'tap'
import { enforce } from '../../../src/governance/plans/enforce/enforcement.ts'
import type { Differences } from '../../../src/governance/plans/judge/compiled-plan.ts'
import type { PlanMode, PlanModes } from '../../../src/model/plans/plan-settings.ts'

const wrong = (type: string, ...path: (string | number)[]) => ({ type, field: path.join('.'), description: '', path })
const DIFFERENCES: Differences = {
  isUnplanned: false,
  unplanned: [['properties', 'x']],
  violations: [
    wrong('Required', 'properties', 'id'),
    wrong('Invalid Type', 'properties', 'total'),
    wrong('Invalid Type', 'properties', 'items', 0, 'sku'),
    wrong('Invalid Type', 'userId')
  ],
  common: [wrong('Enum', 'context', 'env')]
}
const modes = (mode: PlanMode, more: Partial<PlanModes> = {}): PlanModes => {
  const all = { unplannedEvents: mode, unplannedProperties: mode, violations: mode, common: mode }
  return { ...all, ...more }
}
const doneOf = (of: PlanModes, differences = DIFFERENCES) =>
  enforce(differences, of, { name: 'Order' }).reported.map(({ field, done }) => `${field} ${done}`)
const fields = ['properties.x', 'properties.id', 'properties.total', 'properties.items.0.sku', 'userId', 'context.env']

t.test('Each violation says what was done: omitted if something was removed, otherwise reported', async t => {
  t.strictSame(
    doneOf(modes('report')),
    fields.map(field => `${field} report`)
  )
  t.strictSame(doneOf(modes('omit')), [
    'properties.x omit',
    'properties.id report',
    'properties.total omit',
    'properties.items.0.sku omit',
    'userId report',
    'context.env omit'
  ])
  t.strictSame(doneOf(modes('report', { violations: 'omit' })), [
    'properties.x report',
    'properties.id report',
    'properties.total omit',
    'properties.items.0.sku omit',
    'userId report',
    'context.env report'
  ])
})

t.test('All violations of a blocked event say that it was blocked, whatever the mode of each', async t => {
  t.strictSame(
    doneOf(modes('omit', { common: 'block' })),
    fields.map(field => `${field} block`)
  )
  const own = fields.slice(0, -1).map(field => `${field} block`)
  t.strictSame(doneOf(modes('omit', { violations: 'block' })), own, 'the common schema is not checked')
  const unplanned = { isUnplanned: true, unplanned: [], violations: [], common: [] }
  t.strictSame(doneOf(modes('block'), unplanned), ['event block'])
  t.strictSame(doneOf(modes('report'), unplanned), ['event report'])
})
