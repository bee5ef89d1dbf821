import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { parseBody } from '../../../src/ingest/parse/body.ts'
import { numberOfKey } from '../../../src/ingest/parse/known-keys.ts'
import type { EnvelopeScan, Scan } from '../../../src/ingest/parse/scan-result.ts'
import { scanEnvelope, scanObject } from '../../../src/ingest/parse/scan.ts'
import { DEFAULT_LIMITS } from '../../../src/model/limits.ts'

function scanText(text: string): Scan {
  return scanObject(Buffer.from(text))
}

function placesOf({ size }: Scan): number[] {
  return Array.from({ length: size }, (_, place) => place)
}

function valueAt(bytes: Buffer, scan: Scan, place: number): unknown {
  return JSON.parse(bytes.toString('utf8', scan.valueStartAt(place), scan.valueEndAt(place)))
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

t.test('every member of any JSON object is found, with the bytes of its value and its depth', async t => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()),
      fc.constantFrom(0, 1, 2),
      (object, indent) => {
        const bytes = Buffer.from(JSON.stringify(object, null, indent))
        const scan = scanObject(bytes)
        const found = placesOf(scan).map(place => {
          const value = valueAt(bytes, scan, place)
          return scan.depthAt(place) === depthOf(value) && [scan.keyAt(place), value]
        })
        return (
          scan.depth === depthOf(object) &&
          JSON.stringify(found) === JSON.stringify(Object.entries(object)) &&
          (indent === 0 || Object.keys(object).length === 0) === !scan.hasLineBreaks
        )
      }
    ),
    { numRuns: 2_000 }
  )
  t.pass('2,000 random objects were compared')
})

t.test('a body is split exactly where JSON.parse splits it', async t => {
  const mutated = fc
    .tuple(
      fc.array(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 })), { maxLength: 4 }),
      fc.nat(),
      fc.constantFrom(
        '',
        ...'"{}[],:x1 .-+eE0tnu/\\\b\n\t\u00a0'.split(''),
        '\\u00',
        'true',
        'null',
        '01',
        '1e5',
        '-0',
        '\\"'
      )
    )
    .map(([batch, at, piece]) => {
      const text = JSON.stringify({ batch, sentAt: 'x' })
      const position = at % (text.length + 1)
      return text.slice(0, position) + piece + text.slice(position + (at % 2))
    })
  fc.assert(
    fc.property(mutated, text => {
      let valid: unknown
      try {
        valid = JSON.parse(text)
      } catch {
        valid = undefined
      }
      const parsed = parseBody(Buffer.from(text), { endpoint: 'batch', limits: DEFAULT_LIMITS })
      if (!parsed.ok) return valid === undefined || parsed.fault.code === 'duplicate_key'
      const { events, text: textOf } = parsed.body
      const judgedRight = events.every(({ start, end, sound }) => sound === parses(textOf(start, end)))
      // Refused whole, or at least one event is refused alone.
      return judgedRight && events.every(({ sound }) => sound) === (valid !== undefined)
    }),
    { numRuns: 20_000 }
  )
  t.pass('20,000 mutated bodies were compared')
})

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

t.test('one event that is not JSON does not hide the boundaries of its neighbours', async t => {
  const text = '{"batch":[{"a":1},{"x":NaN,"y":-Infinity},{"b":"}]"},{"c" 1},[1,{"d":2}],null]}'
  const parsed = parseBody(Buffer.from(text), { endpoint: 'batch', limits: DEFAULT_LIMITS })
  t.ok(parsed.ok)
  if (!parsed.ok) return
  t.same(
    parsed.body.events.map(({ start, end }) => text.slice(start, end)),
    ['{"a":1}', '{"x":NaN,"y":-Infinity}', '{"b":"}]"}', '{"c" 1}', '[1,{"d":2}]', 'null']
  )
})

t.test('a page that is not JSON leaves its neighbours unchanged', async t => {
  const items = ['{"type":"page","properties":{"path":"/a"} x}', ...Array.from({ length: 40 }, (_, i) => String(i))]
  const bytes = Buffer.from(`{"batch":[${items.join(',')}]}`)
  const { elements = [] } = scanEnvelope(bytes, 100) as EnvelopeScan
  t.same(
    elements.map(({ start, end, isObject, size }) => [bytes.toString('utf8', start, end), isObject, size]),
    items.map(item => [item, false, 0])
  )
})

t.test('one event that is not JSON does not hide what was found before it', async t => {
  for (const broken of ['{"a":NaN}', '{"a" 1}', 'NaN']) {
    const scan = (text: string) => (scanEnvelope(Buffer.from(text), 10) as EnvelopeScan).whole
    t.equal(scan(`{\n"context":{},"batch":[${broken}]}`).hasLineBreaks, true, `line breaks before ${broken} are found`)
    t.equal(scan(`{"__proto__":1,"batch":[${broken}]}`).suspectKeys, true, `a suspect key before ${broken} is found`)
    t.equal(scan(`{"context":{},"batch":[${broken}]}`).hasLineBreaks, false, `no line breaks are found with ${broken}`)
  }
})

t.test('a body that is not one JSON object is refused with the byte of the fault', async t => {
  for (const text of [
    '',
    ' ',
    '[]',
    'null',
    '"x"',
    '{',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,}',
    '{"a":1}x',
    '{"a":1}{"b":2}',
    "{'a':1}",
    '{a:1}',
    '{"a":1 "b":2}',
    '{,}',
    '{"a":"'
  ]) {
    t.throws(() => scanText(text), { message: /^not JSON at byte \d+$/ }, text)
  }
})

t.test('numbers, literals, strings and escapes are accepted exactly if JSON.parse accepts them', async t => {
  const atoms = [
    ...['0', '-0', '1', '10', '1.5', '-1.50', '1e5', '1E+5', '1e-05', '0.0e0', '12345678901234567890', '1e400'],
    ...['00', '01', '-', '-a', '.5', '1.', '1.e5', '1e', '1e+', '+1', '0x1', '1_0', 'NaN', 'Infinity', '-Infinity'],
    ...['true', 'false', 'null', 'True', 'tru', 'truex', 'nul', 'undefined', "'a'", '', ' ', '\u00a01', '1 2'],
    ...[
      '""',
      '"a',
      '"\\',
      '"\\"',
      '"\\\\"',
      '"\\x"',
      '"\\u12"',
      '"\\u12g4"',
      '"\\u00e9"',
      '"\\uD800"',
      '"\t"',
      '"\u007f"'
    ],
    ...['"\\b\\f\\n\\r\\t\\/"', '"\n"', '"\u0000"', '"é😀"', '[]', '[,]', '[1,]', '[1 2]', '[[]', '[]]', '{}', '{1:2}'],
    ...['{"a"}', '{"a":}', '{"a":1,}', '{"a":1 "b":2}', '{"a":1,"a":2}', '[1}', '{"a":1]', '[ 1 , 2 ]', '{ "a" : 1 }']
  ]
  for (const atom of atoms) {
    for (const text of [`{"batch":[{"a":${atom}}]}`, `{"batch":[{"a":{"b":[${atom}]}}]}`, `{"batch":[${atom}]}`]) {
      const parsed = parseBody(Buffer.from(text), { endpoint: 'batch', limits: DEFAULT_LIMITS })
      const isSound = parsed.ok && parsed.body.events.every(({ sound }) => sound)
      t.equal(isSound, parses(text), JSON.stringify(text))
    }
  }
})

t.test('a key that may spell __proto__ or constructor is reported, in any spelling', async t => {
  for (const text of [
    '{"__proto__":1}',
    '{"a":{"__proto__":1}}',
    '{"a":[{"constructor":{}}]}',
    '{"a":{"\\u005f_proto__":1}}',
    '{"\\u0063onstructor":1}'
  ]) {
    t.equal(scanText(text).suspectKeys, true, text)
  }
  t.equal(scanText('{"proto":1,"event":"constructions","\\u4e2d":1}').suspectKeys, false)
})

t.test('a batch is read up to its limit of events and no further', async t => {
  const batch = (events: number): Buffer => Buffer.from(`{"batch":[${Array(events).fill('{}').join(',')}]}`)
  for (const [events, ok] of [
    [2, true],
    [3, true],
    [4, false]
  ] as const) {
    const parsed = parseBody(batch(events), { endpoint: 'batch', limits: { ...DEFAULT_LIMITS, maxBatchEvents: 3 } })
    t.equal(parsed.ok, ok, `a batch of ${events} events has the expected result`)
    if (!parsed.ok) t.equal(parsed.fault.code, 'too_many_events')
  }
})

t.test('the keys that SDKs send are found in an envelope, in any spelling, and no others', async t => {
  const key = fc.oneof(
    fc.constantFrom('batch', 'sentAt', 'writeKey', 'context', 'integrations', 'originalTimestamp', '_metadata', 'type'),
    fc.constantFrom('bat', 'batchs', 'Batch', 'sent\u00e4t', '', 'originalTimestamps', 'b\u0000tch'),
    fc.string({ maxLength: 8 })
  )
  const spelled = (text: string, escapes: number): string =>
    text
      .split('')
      .map((char, i) => ((escapes >> (i % 16)) & 1 ? escapeOf(char, escapes) : JSON.stringify(char).slice(1, -1)))
      .join('')
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.nat(0xffff)), { maxLength: 6 }), keys => {
      const text = `{${keys.map(([name, escapes], i) => `"${spelled(name, escapes)}":${i}`).join(',')}}`
      const bytes = Buffer.from(text)
      const { whole, repeatedKey } = scanEnvelope(bytes, 10) as EnvelopeScan
      const known = keys.flatMap(([name], i) => (numberOfKey(name) >= 0 ? [{ name, i }] : []))
      const first = known.filter(({ name }, i) => known.findIndex(other => other.name === name) === i)
      const found = placesOf(whole).map(place => ({ name: whole.keyAt(place), i: valueAt(bytes, whole, place) }))
      return isDeepStrictEqual(found, first) && (repeatedKey !== undefined) === first.length < known.length
    }),
    { numRuns: 5_000 }
  )
  t.pass('5,000 random envelopes were compared')
})

function escapeOf(unit: string, seed: number): string {
  const hex = unit.charCodeAt(0).toString(16).padStart(4, '0')
  return `\\u${seed % 2 === 0 ? hex : hex.toUpperCase()}`
}

/**
 * What a contract that checks kinds can distinguish in a value, and what the server itself checks: in `library`,
 * everything.
 */
function kindsOf(value: unknown, level = 0, isWhole = false): unknown {
  if (Array.isArray(value)) return { items: value.map(each => kindsOf(each, level + 1, isWhole)) }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).map(([key, inner]) => [
      key,
      kindsOf(inner, level + 1, isWhole || (level === 0 && key === 'library'))
    ])
  }
  if (isWhole || typeof value === 'boolean') return { value }
  if (typeof value === 'string') return value === '' ? 'empty' : 'text'
  return typeof value === 'number' ? Number.isInteger(value) : value
}

/** The shape that the walk gives a context; 0 is none. */
function shapeOf(context: string, key = 'context', type = 'track'): number {
  const scan = scanObject(Buffer.from(`{"type":"${type}","${key}":${context}}`), { isEvent: true })
  return scan.shapeAt(1)
}

t.test('two objects have one shape only if keys and kinds cannot tell them apart', async t => {
  /** Values whose kind the walk recognises without parsing. */
  const plain = ['"x"', '"yz"', '"\\u00e9"', '""', '1', '-23', '1.5', '0.25', 'true', 'false', 'null', '{}', '[]']
  const others = ['1.0', '2.50', '1e2', '1.5e-3', '-0', '1234567890123456', '9007199254740993.5', '0.1234567890123456']
  const leaf = fc.oneof({ arbitrary: fc.constantFrom(...plain), weight: 6 }, fc.constantFrom(...others))
  /** An object with holes. */
  const { object } = fc.letrec<{ object: string; value: string }>(tie => ({
    value: fc.oneof(
      { maxDepth: 3 },
      { arbitrary: fc.constant('@'), weight: 6 },
      { arbitrary: tie('object'), weight: 2 },
      { arbitrary: fc.array(tie('value'), { maxLength: 2 }).map(values => `[${values.join(' ,')}]`), weight: 1 }
    ),
    object: fc
      .dictionary(fc.constantFrom('a', 'library', 'ip', '"q\n"', 'page'), tie('value'), { minKeys: 1, maxKeys: 3 })
      .map(members => Object.entries(members).map(([key, value]) => `${JSON.stringify(key)} :${value}`))
      .map(members => `{ ${members.join(',')}\n}`)
  }))
  const fill = (holes: string, leaves: readonly string[]): string => {
    let next = 0
    return holes.replaceAll('@', () => leaves[next++ % leaves.length] as string)
  }
  const pair = fc
    .tuple(object, fc.array(leaf, { minLength: 3, maxLength: 3 }), fc.nat(1), leaf)
    .map(([holes, leaves, at, other]) => [fill(holes, leaves), fill(holes, leaves.with(at, other))] as const)
  let [shared, plainly] = [0, 0]
  fc.assert(
    fc.property(
      fc.oneof(
        pair,
        fc.tuple(object, object).map(([a, b]) => [fill(a, ['1']), fill(b, ['1'])] as const)
      ),
      ([one, other]) => {
        const [a, b] = [shapeOf(one), shapeOf(other)]
        const isAlike = isDeepStrictEqual(kindsOf(JSON.parse(one)), kindsOf(JSON.parse(other)))
        if (a !== 0 && a === b) shared++
        else if (isAlike && ![one, other].some(text => /"q|\.\d*0|\de|\d{9}|library/.test(text))) return false
        if (isAlike && one !== other) plainly++
        return isAlike || a === 0 || a !== b
      }
    ),
    { numRuns: 30_000 }
  )
  t.ok(shared > 1_500, `${shared} of 30,000 pairs had the same shape`)
  t.ok(plainly > 500, `${plainly} pairs with the same shape had different values`)
})

t.test('the result for one body stays unchanged, however many others follow', async t => {
  const found = Array.from({ length: 500 }, (_, i) => scanText(`{"type":"track","own-${i}":[${i}],"userId":"u"}`))
  for (const [i, scan] of found.entries()) {
    t.same(
      placesOf(scan).map(place => scan.keyAt(place)),
      ['type', `own-${i}`, 'userId'],
      String(i)
    )
  }
})

t.test('a shape survives others, and only objects get one, on request', async t => {
  const page = shapeOf('{"page":{"url":"/a"}}')
  t.not(page, 0)
  for (let i = 0; i < 20; i++) shapeOf(`{"key-${i}":1}`)
  t.equal(shapeOf('{"page":{"url":"/b"}}'), page)
  for (const none of ['[1]', 'null', '"x"', `{"a":[${'1,'.repeat(1_000)}1]}`])
    t.equal(shapeOf(none), 0, none.slice(0, 9))
  t.not(shapeOf(`{"a":"${'x'.repeat(3_000)}"}`), 0, 'a long text does not prevent a shape')
  t.not(shapeOf('{"path":"/a"}', 'properties', 'page'), 0)
  t.equal(
    shapeOf('{"path":"/a"}', 'properties', 'track'),
    0,
    'properties of a track call are not checked, so they get no shape'
  )
  t.equal(shapeOf('{"path":"/a"}', 'traits', 'page'), 0)
  t.equal(shapeOf('{"librar\\u0079":{"name":"analytics.js"}}'), 0, 'a key with escapes gets no shape')
})

t.test('100,000 levels of nesting are counted and not entered', async t => {
  const levels = 100_000
  const scan = scanText(`{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`)
  t.equal(scan.depth, levels + 1)
})
