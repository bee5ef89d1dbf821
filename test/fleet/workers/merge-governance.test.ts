import t from 'tap'
import { mergeCatalogues, mergeViolations } from '../../../src/fleet/workers/view/merge-governance.ts'

const seen = (events: number, lastSeen: string, more: object = {}) => ({
  source: 'web',
  type: 'track',
  name: 'Order',
  events,
  firstSeen: lastSeen,
  lastSeen,
  sdks: { 'analytics.js 1': events },
  isTruncated: false,
  ...more
})
const property = (objects: number, types: Record<string, number>, at: string) => ({
  objects,
  types,
  firstSeen: at,
  lastSeen: at
})

t.test(
  'one event in the catalogues of two workers is one event: counts, SDKs, properties and types are added',
  async t => {
    const first = {
      '/properties': property(2, { object: 2 }, '2026-01-01'),
      '/properties/a': property(0, { string: 2 }, '2026-01-01')
    }
    const second = {
      '/properties': property(1, { object: 1 }, '2026-01-03'),
      '/properties/b': property(0, { null: 1 }, '2026-01-03')
    }
    const merged = mergeCatalogues([
      {
        events: [
          seen(2, '2026-01-01', { properties: first }),
          seen(1, '2026-01-01', { name: 'Other', properties: {} })
        ],
        dropped: 1
      },
      { events: [seen(1, '2026-01-03', { properties: second, sdks: { b: 1 }, isTruncated: true })], dropped: 2 }
    ])
    t.strictSame(merged['dropped'], 3)
    t.match(merged['events'], [
      {
        name: 'Order',
        events: 3,
        firstSeen: '2026-01-01',
        lastSeen: '2026-01-03',
        isTruncated: true,
        sdks: { 'analytics.js 1': 2, b: 1 },
        properties: {
          '/properties': { objects: 3, types: { object: 3 }, firstSeen: '2026-01-01', lastSeen: '2026-01-03' },
          '/properties/a': { types: { string: 2 } },
          '/properties/b': { types: { null: 1 } }
        }
      },
      { name: 'Other', events: 1 }
    ])
  }
)

t.test('catalogues without properties are merged without properties', async t => {
  const merged = mergeCatalogues([
    { events: [seen(2, '2026-01-01')], dropped: 0 },
    { events: [seen(1, '2026-01-02')], dropped: 0 }
  ])
  t.strictSame(merged['events'], [{ ...seen(3, '2026-01-02'), firstSeen: '2026-01-01', sdks: { 'analytics.js 1': 3 } }])
})

t.test(
  'one violation in two workers is one: counts are added, the latest samples stay, the most frequent is first',
  async t => {
    const about = { source: 'web', type: 'track', name: 'Order', kind: 'violation', violation: 'Required' }
    const count = (field: string, events: number, lastSeen: string, samples: string[]) => ({
      ...about,
      field,
      description: `as of ${lastSeen}`,
      events,
      firstSeen: lastSeen,
      lastSeen,
      done: { report: events },
      sdks: { a: events },
      samples
    })
    const merged = mergeViolations([
      {
        violations: [
          count('properties.x', 3, '2026-01-05', ['n1', 'n2', 'n3']),
          count('properties.y', 4, '2026-01-01', [])
        ],
        dropped: 0
      },
      { violations: [count('properties.x', 3, '2026-01-02', ['o1', 'o2', 'o3'])], dropped: 5 }
    ])
    t.strictSame(merged, {
      violations: [
        {
          ...count('properties.x', 6, '2026-01-05', ['o2', 'o3', 'n1', 'n2', 'n3']),
          firstSeen: '2026-01-02'
        },
        count('properties.y', 4, '2026-01-01', [])
      ],
      dropped: 5
    })
  }
)
