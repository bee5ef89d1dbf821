import { createRequire } from 'node:module'
import fc from 'fast-check'
import t from 'tap'
import type { CompileOptions, ValidationMode } from '../../src/contract/compile.ts'
import { compileContract } from '../../src/contract/compile.ts'
import {
  COMPATIBLE,
  emptyArrayIsEmptyObject,
  nullIsAbsent,
  toCompatible,
  uriIsAnyString
} from '../../src/contract/compatible.ts'
import type { Transformation } from '../../src/contract/compatible.ts'
import { isDateTime, parseDateTime } from '../../src/contract/date-time.ts'
import type { ContractDocument, Json } from '../../src/contract/document.ts'
import { loadContract, resolvePath } from '../../src/contract/document.ts'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { addSafeFormats } from '../../src/contract/formats.ts'
import { EMPTY_ARRAY_OR, NOT_NULL, NULL_OR } from '../../src/contract/own-keywords.ts'

const document = loadContract(new URL('../../openapi.yml', import.meta.url).pathname)
const MODES: readonly ValidationMode[] = ['compatible', 'strict']

/** A copy of the contract in which `edit` has changed one object. */
function edited(keys: readonly string[], edit: (node: Json) => void): ContractDocument {
  const copy = structuredClone(document)
  edit(resolvePath(copy, keys).node)
  return copy
}

const schema = (name: string, ...more: string[]): string[] => ['components', 'schemas', name, ...more]
const ITEMS = schema('BatchCall', 'properties', 'batch', 'items')
const track = { type: 'track', userId: 'u', event: 'Order Completed' }

t.test(
  'a constraint that is added to openapi.yml changes what is accepted, without another edit, in both modes',
  async t => {
    const cases: { what: string; contract: ContractDocument; pointer: string }[] = [
      {
        what: 'a limit in the call',
        contract: edited(schema('TrackCall', 'properties', 'event'), e => (e['maxLength'] = 5)),
        pointer: '/event'
      },
      {
        what: 'a required field of the call',
        contract: edited(schema('TrackCall'), c => (c['required'] = ['event', 'properties'])),
        pointer: '/properties'
      },
      {
        what: 'a required field without a description',
        contract: edited(schema('TrackCall'), c => (c['required'] = ['team'])),
        pointer: '/team'
      },
      {
        what: 'a limit in the items of a batch',
        contract: edited([...ITEMS, 'properties', 'event'], e => (e['maxLength'] = 5)),
        pointer: '/event'
      },
      {
        what: 'a required field in the items of a batch',
        contract: edited(ITEMS, i => (i['required'] = ['type', 'messageId'])),
        pointer: '/messageId'
      },
      {
        what: 'a pattern in the fields that all calls share',
        contract: edited(schema('CommonFields', 'properties', 'type'), e =>
          Object.assign(e, { type: 'string', pattern: '^x' })
        ),
        pointer: '/type'
      },
      {
        what: 'a field that one type of the items requires',
        contract: edited(schema('TrackEvent'), e =>
          (e['allOf'] as Json[]).push({ type: 'object', required: ['team'] })
        ),
        pointer: '/team'
      },
      {
        what: 'a removed alternative, so that an anonymousId is required',
        contract: edited(schema('TrackCall'), c => ((c['allOf'] as Json[])[1] as { anyOf: Json[] }).anyOf.shift()),
        pointer: ''
      },
      {
        what: 'a required field beside the reference of the path',
        contract: edited(['paths', '/track', 'post', 'requestBody', 'content', 'application/json'], m =>
          Object.assign(m, { schema: { $ref: '#/components/schemas/TrackCall', type: 'object', required: ['team'] } })
        ),
        pointer: '/team'
      },
      {
        what: 'a required field in the path itself',
        contract: edited(
          ['paths', '/track', 'post', 'requestBody', 'content', 'application/json'],
          m => (m['schema'] = { type: 'object', required: ['team'] })
        ),
        pointer: '/team'
      }
    ]
    for (const mode of MODES) {
      const before = compileContract({ document, mode }).events
      t.equal(before.track(track), undefined, `${mode}: the event is accepted before the edit`)
      for (const { what, contract, pointer } of cases) {
        const { events } = compileContract({ document: contract, mode })
        t.equal(events.track(track)?.pointer, pointer, `${mode}: ${what}`)
      }
    }
  }
)

t.test('a constraint that is added to the batch itself changes what is accepted', async t => {
  const batch = { batch: [1, 2, 3] }
  for (const mode of MODES) {
    const check = (contract: ContractDocument, more: Partial<CompileOptions> = {}) =>
      compileContract({ document: contract, mode, ...more }).envelope(batch)?.pointer
    t.equal(check(document), undefined)
    t.equal(check(edited(schema('BatchCall'), b => (b['required'] = ['batch', 'sentAt']))), '/sentAt')
    const two = edited(schema('BatchCall', 'properties', 'batch'), b => (b['maxItems'] = 2))
    t.equal(check(two), '/batch')
    t.equal(check(two, { maxBatchEvents: 5_000 }), undefined, 'an operator can set a limit above the default')
    t.equal(check(document, { maxBatchEvents: 2 }), '/batch', 'an operator can set a limit below the default')
  }
})

t.test('a missing field and a null field are the same if the contract requires the field', async t => {
  const contract = edited(schema('TrackCall'), c => (c['required'] = ['event', 'team', 'context', 'properties']))
  const { events } = compileContract({ document: contract, mode: 'compatible' })
  const whole = { ...track, team: 'a', context: {}, properties: {} }
  t.equal(events.track(whole), undefined)
  for (const name of ['event', 'team', 'context', 'properties']) {
    t.equal(events.track({ ...whole, [name]: null })?.pointer, `/${name}`)
  }
})

t.test('compatible mode is a list of three named transformations', async t => {
  t.same(COMPATIBLE, [uriIsAnyString, nullIsAbsent, emptyArrayIsEmptyObject])
  for (const { name, reason } of COMPATIBLE) t.ok(name.length > 10 && reason.length > 10, name)
})

/** A schema after one transformation, as a separate schema of the document. */
const applied = ({ apply }: Transformation, given: Json): Json => apply(given, { document, given, beside: [given] })

t.test('null counts as absent for properties, but not for required properties, values of maps or items', async t => {
  t.same(applied(nullIsAbsent, { properties: { a: { type: 'string', maxLength: 3 } } }), {
    properties: { a: { type: ['string', 'null'], maxLength: 3 } }
  })
  t.same(applied(nullIsAbsent, { properties: { a: { enum: ['x'] }, b: { $ref: '#/b' }, c: true, d: {} } }), {
    properties: {
      a: { [NULL_OR]: { enum: ['x'] } },
      b: { [NULL_OR]: { $ref: '#/b' } },
      c: true,
      d: {}
    }
  })
  t.same(applied(nullIsAbsent, { required: ['a', 'b'], properties: { a: { type: 'string' } } }), {
    required: ['a', 'b'],
    properties: { a: { type: 'string' }, b: { [NOT_NULL]: true } }
  })
  for (const same of [
    { additionalProperties: { type: 'string' } },
    { type: 'array', items: { type: 'string' } },
    { type: 'string' },
    { required: ['a'], properties: { a: { type: ['string', 'null'] } } }
  ]) {
    t.same(applied(nullIsAbsent, same), same)
  }
})

t.test('an empty array counts as an empty object only where an empty object is accepted', async t => {
  t.same(applied(emptyArrayIsEmptyObject, { type: 'object' }), { [EMPTY_ARRAY_OR]: { type: 'object' } })
  for (const same of [
    { type: 'string' },
    { type: ['object', 'array'] },
    { type: 'object', required: ['a'] },
    { type: 'object', minProperties: 1 },
    { type: 'object', anyOf: [{ required: ['a'] }, { required: ['b'] }] },
    { type: 'object', not: { maxProperties: 0 } },
    { type: 'object', if: { required: ['a'] }, else: { required: ['b'] } },
    { type: 'object', $ref: '#/components/schemas/TrackCall' },
    {}
  ]) {
    t.same(applied(emptyArrayIsEmptyObject, same), same)
  }
})

t.test('format uri is removed and every other format is kept', async t => {
  t.same(applied(uriIsAnyString, { type: 'string', format: 'uri' }), { type: 'string' })
  t.same(applied(uriIsAnyString, { type: 'string', format: 'date-time' }), { type: 'string', format: 'date-time' })
})

t.test('loosening reaches nested schemas, skips schemas that would then refuse more, and changes no input', async t => {
  const uri = { type: 'string', format: 'uri' }
  const text = { type: 'string' }
  const given = { allOf: [uri], items: uri, additionalProperties: uri, if: uri, not: uri, then: uri }
  const { components } = toCompatible({ paths: {}, components: { schemas: { given } } }, 'original')
  t.same(components.schemas['given'], {
    allOf: [text],
    items: text,
    additionalProperties: text,
    if: uri,
    not: uri,
    then: text
  })
  const before = structuredClone(document)
  toCompatible(document, 'original')
  t.same(document, before)
})

t.test('checking an event never changes it', async t => {
  const event = {
    type: 'track',
    userId: 'u',
    event: 'E',
    traits: [],
    properties: null,
    context: { page: { title: null } },
    more: [1, null, {}]
  }
  const before = structuredClone(event)
  for (const mode of MODES) compileContract({ document, mode }).events.track(event)
  t.same(event, before)
})

t.test('a date-time is RFC 3339 with any fraction and any offset, and every accepted one is an instant', async t => {
  const good = [
    '2026-01-02T03:04:05Z',
    '2026-01-02T03:04:05.6Z',
    '2026-01-02T03:04:05.678901234+05:30',
    '2026-01-02T03:04:05.6789012-23:59',
    '2026-01-02T03:04:05+0000',
    '2026-01-02 03:04:05Z',
    '2026-01-02t03:04:05z',
    '2024-02-29T23:59:59Z',
    '2000-02-29T00:00:00Z',
    '0000-01-01T00:00:00Z',
    `2026-01-02T03:04:05.${'1'.repeat(1000)}Z`
  ]
  for (const text of good) t.ok(isDateTime(text) && !Number.isNaN(Date.parse(text)), text.slice(0, 40))
  const bad = [
    '',
    'today',
    '2026-01-02',
    '2026-01-02T03:04:05',
    '2026-01-02T03:04Z',
    '2026-01-02T03:04:05.Z',
    '2026-01-02T03:04:05+05',
    '2026-01-02T03:04:05+24:00',
    '2026-01-02T03:04:05+05:60',
    '2026-01-02T03:04:05+05:3',
    '2026-01-02T03:04:05ZZ',
    '2026-01-02T24:00:00Z',
    '2026-01-02T03:60:00Z',
    '2016-12-31T23:59:60Z',
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '26-01-02T03:04:05Z',
    '+002026-01-02T03:04:05Z',
    ' 2026-01-02T03:04:05Z',
    '2026-01-02T03:04:05Z\n',
    '٢٠٢٦-01-02T03:04:05Z'
  ]
  for (const text of bad) t.notOk(isDateTime(text), JSON.stringify(text))
})

t.test('a date-time means the instant that Date.parse finds for its canonical spelling', async t => {
  const digits = (value: number): string => String(value).padStart(2, '0')
  fc.assert(
    fc.property(
      fc.date({ min: new Date('0000-01-02T00:00:00Z'), max: new Date('9999-12-30T00:00:00Z'), noInvalidDate: true }),
      fc.stringMatching(/^\d{0,9}$/),
      fc.constantFrom('Z', 'z', 'offset'),
      fc.tuple(fc.constantFrom('+', '-'), fc.nat(23), fc.nat(59), fc.constantFrom(':', '')),
      (date, fraction, zone, [sign, hours, minutes, colon]) => {
        const point = fraction === '' ? '' : `.${fraction}`
        const local = date.toISOString().slice(0, 19)
        const canonical = zone === 'offset' ? `${sign}${digits(hours)}:${digits(minutes)}` : 'Z'
        const spelled = zone === 'offset' ? canonical.replace(':', colon) : zone
        const instant = Date.parse(`${local}${point}${canonical}`)
        return (
          parseDateTime(`${local}${point}${spelled}`) === instant &&
          parseDateTime(`${local.replace('T', ' ')}${point}${spelled}`) === instant
        )
      }
    ),
    { numRuns: 20_000 }
  )
  t.pass('20,000 date-times were compared')
})

t.test('no format takes long over a hostile string', async t => {
  const { formatNames } = createRequire(import.meta.url)('ajv-formats/dist/formats.js') as { formatNames: string[] }
  const long = 32_000
  const hostile = ['a', 'a.', 'a-', '1', '1.', ':', '/', '%41', 'a@', '[', '((', '{a', '~0', ' ', '0:', 'a:b@'].flatMap(
    part => {
      const many = part.repeat(long / part.length)
      return [many, `${many}\u0000`, `http://${many}\n`, `2026-01-02T03:04:05.${many}`, `a@${many}!`]
    }
  )
  const ajv = new Ajv2020({ strict: false })
  addSafeFormats(ajv)
  for (const name of formatNames) {
    const check = ajv.compile({ format: name })
    check('warm')
    // The shortest of three, because a busy machine only makes them longer.
    const timeOf = (text: string): number => {
      const start = performance.now()
      check(text)
      return performance.now() - start
    }
    const slowest = Math.max(...hostile.map(text => Math.min(timeOf(text), timeOf(text), timeOf(text))))
    t.ok(slowest < 100, `${name} took ${slowest.toFixed(1)} ms`)
  }
})

t.test('an unusable contract is refused at the start, with a readable message', async t => {
  const dir = t.testdir({ 'broken.yml': 'a: [', 'other.yml': 'openapi: 3.1.0' })
  t.throws(() => loadContract(`${dir}/missing.yml`), /cannot read the contract .*missing\.yml/)
  t.throws(() => loadContract(`${dir}/broken.yml`), /cannot read the contract .*broken\.yml/)
  t.throws(() => loadContract(`${dir}/other.yml`), /no paths/)
  const bad = (contract: ContractDocument) => () => compileContract({ document: contract, mode: 'strict' })
  t.throws(bad(edited(['paths'], paths => delete paths['/alias'])), /no object at #\/paths\/~1alias/)
  t.throws(bad(edited(schema('TrackCall', 'properties', 'event'), e => (e['maxLenght'] = 5))), /maxLenght/)
  t.throws(bad(edited(schema('TrackCall', 'properties', 'event'), e => (e['format'] = 'nonsense'))), /nonsense/)
  const circle = edited(['components', 'schemas'], s =>
    Object.assign(s, { TrackCall: { $ref: '#/components/schemas/B' }, B: { $ref: '#/components/schemas/TrackCall' } })
  )
  t.throws(bad(circle), /circle/)
})
