import fc from 'fast-check'
import t from 'tap'
import { HardValueReport } from '../../../src/model/reading/hard-value-report.ts'
import { findHardValues } from '../../../src/model/reading/hard-values.ts'

const found = (text: string): string[] =>
  findHardValues(text)
    .map(({ kind, path }) => `${path}: ${kind}`)
    .toSorted()

t.test('each value that readers cannot read is named with its path, and its neighbours are not', async t => {
  const cases: [json: string, expected: string[]][] = [
    ['{"properties":{"n":1e400}}', ['properties.n: beyond_double']],
    ['{"properties":{"n":-1E+400,"m":1e308,"k":1e-400}}', ['properties.n: beyond_double']],
    [`{"a":1${'0'.repeat(308)}}`, ['a: beyond_64_bits']],
    [`{"a":1${'0'.repeat(309)}}`, ['a: beyond_64_bits', 'a: beyond_double']],
    [`{"a":1${'0'.repeat(309)}.5}`, ['a: beyond_double']],
    ['{"a":18446744073709551615,"b":18446744073709551616}', ['b: beyond_64_bits']],
    ['{"a":-9223372036854775808,"b":-9223372036854775809}', ['b: beyond_64_bits']],
    ['{"a":18446744073709551616.5,"b":18446744073709551616e0}', []],
    ['{"a":{"":1}}', ['a.: empty_key']],
    ['{"a":"x\\u0000y","b":"\\\\u0000"}', ['a: nul']],
    ['{"a\\u0000":1}', ['a\u0000: nul']],
    ['{"a":"\\ud800z","b":"\\ud83d\\ude00","c":"\\udc00"}', ['a: lone_surrogate', 'c: lone_surrogate']],
    ['{"p":{"Plan":1,"plan":2}}', ['p.plan: keys_differ_by_case']],
    ['{"p":{"Plan":1},"q":{"plan":2}}', []],
    ['{"p":{"É":1,"é":2}}', ['p.é: keys_differ_by_case']],
    ['{"p":{"plan":1,"plan":2}}', ['p.plan: repeated_key']],
    ['{"p":{"pl\\u0061n":1,"plan":2}}', ['p.plan: repeated_key']],
    ['{"p":[[{"n":1e999}],{"n":[1e999]}]}', ['p.[].[].n: beyond_double', 'p.[].n.[]: beyond_double']],
    ['{"a":["plan","Plan",{"b":"plan"}],"c":{}}', []],
    ['{"a":{"b":{"c":1}},"d":1e400}', ['d: beyond_double']],
    ['{"a":"1e400","b":"say \\"{\\" 1e400","c":[]}', []],
    ['{}', []]
  ]
  for (const [json, expected] of cases) t.strictSame(found(json), expected.toSorted(), json)
})

t.test('a value is named once for each path, however often it occurs', async t => {
  t.strictSame(found(`{"a":[${'1e400,'.repeat(50)}1]}`), ['a.[]: beyond_double'])
  t.equal(findHardValues(`{"${'k'.repeat(5_000)}":1e400}`)[0]?.path.length, 200)
})

t.test('what JSON.stringify writes for plain values has no hard values except those of its keys and texts', async t => {
  const isPlain = (value: unknown): boolean =>
    typeof value === 'string'
      ? value.isWellFormed() && !value.includes('\u0000')
      : typeof value !== 'object' ||
        value === null ||
        (Array.isArray(value) ? value.every(isPlain) : plainObject(value))
  const plainObject = (object: object): boolean => {
    const keys = Object.keys(object)
    const folded = new Set(keys.map(key => key.toLowerCase()))
    return folded.size === keys.length && !folded.has('') && keys.every(isPlain) && Object.values(object).every(isPlain)
  }
  const anything = fc.object({
    maxDepth: 3,
    maxKeys: 5,
    key: fc.string({ unit: 'binary' }),
    values: [fc.string({ unit: 'binary' }), fc.double(), fc.integer()]
  })
  fc.assert(
    fc.property(anything, value => {
      const spelled = JSON.parse(JSON.stringify(value)) as object
      return (
        plainObject(spelled) ===
        (findHardValues(JSON.stringify(spelled)).filter(({ kind }) => kind !== 'beyond_64_bits').length === 0)
      )
    }),
    { numRuns: 200 }
  )
  t.pass('200 random objects were checked')
})

t.test('a report counts events by name, path and kind, in bounded memory', async t => {
  const report = new HardValueReport()
  report.add('{"type":"track","event":"A","messageId":"1","properties":{"n":1e400,"m":[1e400,1e400]}}')
  report.add('{"type":"track","event":"A","messageId":"2","properties":{"n":1e400}}')
  report.add('{"type":"page","name":"B","messageId":"3","properties":{"n":1e400}}')
  report.add('{"type":"identify","messageId":"4"}')
  t.equal(report.events, 4)
  t.strictSame(report.list()[0], { event: 'A', path: 'properties.n', kind: 'beyond_double', count: 2, messageId: '2' })
  t.strictSame(
    report.list().map(({ event, path, count }) => `${event} ${path} ${count}`),
    ['A properties.n 2', 'A properties.m.[] 1', 'page B properties.n 1']
  )
  for (let index = 0; index < 1_500; index++)
    report.add(`{"type":"track","event":"E${index}","properties":{"n":1e400}}`)
  t.equal(report.list().length, 1_000)
  t.equal(report.omitted, 503)
})
