import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import type { ContractDocument } from '../../../src/contract/document.ts'
import { loadContract } from '../../../src/contract/document.ts'
import type { ParsedBody } from '../../../src/ingest/parse/body.ts'
import { parseBody } from '../../../src/ingest/parse/body.ts'
import { createFacts, EventEncoder } from '../../../src/ingest/enrich/encode.ts'
import { EventEntry } from '../../../src/ingest/pipeline/entry.ts'
import type { Judge } from '../../../src/ingest/judge/judge.ts'
import { createJudge, judgeEvent } from '../../../src/ingest/judge/judge.ts'
import { LineWriter } from '../../../src/ingest/enrich/line-writer.ts'
import { createValidator } from '../../../src/ingest/judge/validate.ts'
import { EVENT_TYPES } from '../../../src/model/event-types.ts'
import { DEFAULT_LIMITS } from '../../../src/model/limits.ts'
import { recordKey, messageIdOf, textsOf } from '../../../src/model/record.ts'
import { FIELDS, member } from '../../support/random-members.ts'

const contract = loadContract(new URL('../../../openapi.yml', import.meta.url).pathname)

const ID = '01234567-89ab-cdef-0123-456789abcdef'

/** A mostly valid event with some changed members, and a second one with others changed, in the same order of keys. */
const event = fc
  .tuple(
    fc.constantFrom('track', 'page', 'identify'),
    fc.constantFrom('messageId', 'timestamp', 'context', 'properties', 'own'),
    fc.array(member, { maxLength: 2 }),
    fc.boolean()
  )
  .map(([type, more, changed, repeats]) => {
    const fields = new Map([
      ['type', `"${type}"`],
      ['userId', '"u"'],
      ['event', '"e"'],
      [more, FIELDS[more]?.[0] as string],
      ...changed
    ])
    const members = [...fields].map(([key, value]) => `"${key}":${value}`)
    if (repeats && changed.length === 2) members.push(members[0] as string)
    return `{${members.join(',')}}`
  })

const envelope = fc.constantFrom(
  ...['', ',"sentAt":"2026-11-23T06:49:40.000Z"', ',"context":{"locale":"fr","ip":"9.9.9.9"}'],
  ...[',"context":{"library":{"name":"analytics-ios"}},"integrations":{"A":true}']
)

function parse(text: string): ParsedBody {
  const parsed = parseBody(Buffer.from(text), { endpoint: 'batch', limits: DEFAULT_LIMITS })
  if (!parsed.ok) throw new Error(parsed.fault.message)
  return parsed.body
}

/** Everything that becomes of the events of a batch. */
function outcomes(judgeOf: () => Judge, text: string): unknown[] {
  const body = parse(text)
  const receivedAt = Date.parse('2026-11-23T12:00:00.000Z')
  const facts = createFacts({ body, source: 'web', path: '/v1/batch', receivedAt, address: '198.51.100.7' })
  return body.events.map((_, index) => {
    const judged = judgeEvent(judgeOf(), { kind: 'batch' }, body, index)
    if (judged.fault !== undefined) return { fault: judged.fault, type: judged.type, value: judged.value }
    const writer = new LineWriter(16)
    const entry = new EventEntry(facts, judged)
    judged.writeKeySpans(entry)
    const isNew = judged.pattern.messageIdAt < 0
    new EventEncoder(writer, facts).encode(judged, isNew ? textsOf(ID, '') : entry)
    const line = writer.block.toString('utf8', 0, writer.length)
    return { line, id: !isNew && messageIdOf(entry), key: recordKey(entry), routed: [judged.key(), judged.name()] }
  })
}

/** The contract with more constraints on fields that a pattern would otherwise treat as equal. */
function closer(): ContractDocument {
  const changed = structuredClone(contract)
  const { properties } = changed.components.schemas['TrackCall'] as { properties: Record<string, object> }
  Object.assign(properties, {
    event: { type: 'string', pattern: '^[^O]' },
    userId: { type: 'string', maxLength: 5 },
    properties: { type: 'object', properties: { a: { type: 'string' } } },
    version: { type: 'number', minimum: 3 },
    traits: { $ref: '#/components/schemas/Tree' }
  })
  // Kinds all the way down, and it names itself.
  const branches = { type: 'array', items: { $ref: '#/components/schemas/Tree' } }
  Object.assign(changed.components.schemas, {
    Tree: { type: 'object', properties: { email: { type: 'string' }, branches } }
  })
  return changed
}

/** The contract with fields that several schemas check together. Some of these schemas fail for valid events. */
function choosing(): ContractDocument {
  const changed = structuredClone(contract)
  const call = changed.components.schemas['TrackCall'] as { allOf: object[] }
  const short = { type: 'object', required: ['messageId'], properties: { messageId: { type: 'string', maxLength: 5 } } }
  const named = { type: 'object', required: ['name'] }
  const timely = { type: 'object', properties: { timestamp: { type: 'string', format: 'date-time' } } }
  call.allOf.push(
    { type: 'object', oneOf: [short, { ...named, not: short }] },
    { type: 'object', if: { type: 'object', required: ['traits'] }, then: named, else: timely },
    { type: 'object', not: { ...timely, required: ['timestamp', 'groupId'] } }
  )
  return changed
}

for (const [name, document] of [
  ['the contract', contract],
  ['a contract of alternatives', choosing()],
  ['a contract that looks closer', closer()]
] as const) {
  for (const mode of ['compatible', 'strict'] as const) {
    t.test(`${mode}, ${name}: an event that matches a pattern has the same result as one judged by itself`, async t => {
      const validator = createValidator({ contract: document, mode })
      const byItself = createJudge({ validator, limits: DEFAULT_LIMITS, usePatterns: false })
      const known = createJudge({ validator, limits: DEFAULT_LIMITS })
      let good = 0
      fc.assert(
        fc.property(fc.array(event, { minLength: 1, maxLength: 8 }), envelope, (events, rest) => {
          const text = `{"batch":[${events.join(',')}]${rest}}`
          const alone = outcomes(() => byItself, text)
          good += alone.filter(outcome => 'line' in (outcome as object)).length
          return isDeepStrictEqual(
            outcomes(() => known, text),
            alone
          )
        }),
        { numRuns: 4_000 }
      )
      t.ok(good > 2_000, `${good} valid events were compared`)
    })
  }
}

t.test('events that differ in unchecked values share one pattern; the others have their own patterns', async t => {
  const judge = createJudge({ validator: createValidator({ contract, mode: 'compatible' }), limits: DEFAULT_LIMITS })
  const patternOf = (text: string) => {
    const judged = judgeEvent(judge, { kind: 'batch' }, parse(`{"batch":[${text}]}`), 0)
    return judged.fault ?? judged.pattern
  }
  const eventOf = (rest: string): string => `{"type":"track","messageId":"m","userId":"u","event":"e",${rest}}`
  const one = patternOf(eventOf('"timestamp":"2026-11-23T06:49:24Z","context":{},"properties":{"a":1}'))
  const alike = '{"type":"track","messageId":"n","userId":"v","event":"f","timestamp":"2026-11-23T06:49:25Z"'
  t.equal(patternOf(`${alike},"context":{},"properties":{"b":[2]}}`), one)
  t.not(patternOf(eventOf('"timestamp":"2026-11-23T06:49:24Z","context":{"locale":"de"},"properties":{"a":1}')), one)
  t.not(patternOf(eventOf('"timestamp":null,"context":{},"properties":{"a":1}')), one)

  const contextOf = (url: string, library: string): string => `{"page":{"url":${url}},"library":{"name":"${library}"}}`
  const viewed = patternOf(eventOf(`"context":${contextOf('"/a"', 'analytics.js')}`))
  t.equal(
    patternOf(eventOf(`"context":${contextOf('"/other"', 'analytics.js')}`)),
    viewed,
    'the URL of the page does not change the pattern'
  )
  t.not(
    patternOf(eventOf(`"context":${contextOf('"/a"', 'other')}`)),
    viewed,
    'a library that gets no address has another pattern'
  )
  t.match(patternOf(eventOf(`"context":${contextOf('7', 'analytics.js')}`)), { code: 'schema_violation' })

  const pageOf = (url: string): string => `{"type":"page","messageId":"m","userId":"u","properties":{"url":${url}}}`
  t.equal(patternOf(pageOf('"/a"')), patternOf(pageOf('"/b"')), 'the URL of a page call does not change the pattern')
  t.match(patternOf(pageOf('7')), { code: 'schema_violation' })
})

t.test('an event of a waiting body matches no pattern of a later body, after ids began again', async t => {
  const limits = { ...DEFAULT_LIMITS, maxBatchBytes: 64 * 1024 * 1024 }
  const judge = createJudge({ validator: createValidator({ contract, mode: 'compatible' }), limits })
  // So large that its memory is released, and its ids with it, once another body has arrived.
  const huge = `{${'"":0,'.repeat(700_000)}"own":0}`
  const startIdsAnew = (): unknown => [parse(`{"batch":[${huge}]}`), parse('{"batch":[]}')]
  startIdsAnew()
  const waiting = parse(`{"batch":[{"type":"page","userId":"u","event":"e","context":{"ip":5}},${huge}]}`)
  startIdsAnew()
  const other = parse('{"batch":[{"type":"track","userId":"u","event":"e","context":{"ip":"1.2.3.4"}}]}')
  t.match(judgeEvent(judge, { kind: 'batch' }, other, 0), { type: 'track', fault: undefined })
  t.match(judgeEvent(judge, { kind: 'batch' }, waiting, 0), { type: 'page', fault: { code: 'schema_violation' } })
})

t.test('all types have patterns, alone and in batches', async t => {
  const judge = createJudge({ validator: createValidator({ contract, mode: 'compatible' }), limits: DEFAULT_LIMITS })
  for (const type of EVENT_TYPES) {
    const ids = '"userId":"u","groupId":"g","previousId":"p","event":"e"'
    const parsed = () => parseBody(Buffer.from(`{${ids}}`), { endpoint: 'single', limits: DEFAULT_LIMITS })
    const judged = [parsed(), parsed()].map(
      each => each.ok && judgeEvent(judge, { kind: 'single', type }, each.body, 0)
    )
    const [a, b] = judged.map(each => each !== false && each.fault === undefined && each.pattern)
    t.ok(a, type)
    t.equal(a, b, `${type}: the second event has the same pattern`)
  }
})
