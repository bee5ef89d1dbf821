import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { loadContract, resolvePath } from '../../../src/contract/document.ts'
import type { ParsedBody } from '../../../src/ingest/parse/body.ts'
import { parseBody } from '../../../src/ingest/parse/body.ts'
import { readEnvelope, readEvent } from '../../../src/ingest/judge/read-event.ts'
import type { EnvelopeScan, Scan } from '../../../src/ingest/parse/scan-result.ts'
import { createValidator } from '../../../src/ingest/judge/validate.ts'
import { EVENT_TYPES } from '../../../src/model/event-types.ts'
import { DEFAULT_LIMITS } from '../../../src/model/limits.ts'

const contract = loadContract(new URL('../../../openapi.yml', import.meta.url).pathname)

const OWN = ['messageId', 'userId', 'anonymousId', 'event', 'timestamp', 'context', 'integrations']
const FIELDS = [
  ...['type', 'messageId', 'userId', 'anonymousId', 'groupId', 'previousId', 'event', 'name', 'category', 'properties'],
  ...['traits', 'context', 'integrations', 'timestamp', 'originalTimestamp', 'sentAt', 'channel', '_metadata', 'own']
]

/** Values of every kind that the contract distinguishes, valid and invalid. */
const value = fc.oneof(
  fc.constantFrom('', 'x', 'track', '2026-11-23T06:49:24.499Z', 'é', 'a"b', 5, -0.5, true, false, null),
  fc.constantFrom([], [1], [[]], {}, { a: 1 }, { page: { url: 5 } }, { ip: '1.2.3.4' }, { library: [] }, { All: 'x' }),
  fc.jsonValue({ maxDepth: 2 })
)

function parse(text: string): ParsedBody {
  const parsed = parseBody(Buffer.from(text), { endpoint: 'batch', limits: DEFAULT_LIMITS })
  if (!parsed.ok) throw new Error(parsed.fault.message)
  return parsed.body
}

for (const mode of ['compatible', 'strict'] as const) {
  const validator = createValidator({ contract, mode })
  t.test(`${mode}: the contract gives the parsed part of an event the same verdict as the whole event`, async t => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.constantFrom(...FIELDS), value), { selector: ([field]) => field }),
        fc.constantFrom(...EVENT_TYPES),
        fc.constantFrom(0, 1),
        (fields, type, indent) => {
          const text = JSON.stringify({ batch: [Object.fromEntries(fields)] }, null, indent)
          const body = parse(text)
          const scan = body.events[0] as Scan
          const whole = JSON.parse(body.text(scan.start, scan.end)) as Record<string, unknown>
          const read = readEvent(scan, body, validator.constraints[type])
          return (
            isDeepStrictEqual(validator.validate(read, type), validator.validate(whole, type)) &&
            OWN.every(field => isDeepStrictEqual(read[field], whole[field]))
          )
        }
      ),
      { numRuns: 5_000 }
    )
    t.pass('5,000 random events were compared')
  })
  t.test(`${mode}: the contract gives the parsed part of a batch the same verdict as the whole batch`, async t => {
    const batch = fc.oneof(value, fc.constantFrom([{}], [{ type: 'track' }, 5]))
    const fields = fc.record(
      { batch, context: value, integrations: value, sentAt: value, writeKey: value, own: value },
      {
        requiredKeys: []
      }
    )
    fc.assert(
      fc.property(fields, envelope => {
        const body = parse(JSON.stringify(envelope))
        const read = readEnvelope(body.envelope.scan as EnvelopeScan, body, validator.envelopeConstraints)
        return isDeepStrictEqual(validator.validateEnvelope(read), validator.validateEnvelope(envelope))
      }),
      { numRuns: 2_000 }
    )
    t.notOk(validator.envelopeConstraints?.has('own'), 'a field that the contract does not name is not parsed')
  })
}

t.test('payloads that nothing checks are not parsed, and a contract that checks them has them parsed', async t => {
  const body = parse('{"batch":[{"type":"track","userId":"u","event":"e","properties":{"total":"5"},"own":{"a":1}}]}')
  const scan = body.events[0] as Scan
  t.same(readEvent(scan, body, createValidator({ contract, mode: 'compatible' }).constraints.track), {
    type: 'track',
    userId: 'u',
    event: 'e',
    properties: {}
  })
  const closer = structuredClone(contract)
  const properties = { type: 'object', properties: { total: { type: 'number' } } }
  Object.assign((closer.components.schemas['TrackCall'] as { properties: object }).properties, { properties })
  const { constraints, validate } = createValidator({ contract: closer, mode: 'compatible' })
  t.match(validate(readEvent(scan, body, constraints.track), 'track'), { pointer: '/properties/total' })
  const closed = structuredClone(contract)
  Object.assign(closed.components.schemas['TrackCall'] as object, { unevaluatedProperties: false })
  const strict = createValidator({ contract: closed, mode: 'compatible' })
  t.match(strict.validate(readEvent(scan, body, strict.constraints.track), 'track'), { pointer: '/own' })
})

t.test('a contract that checks fields of a batch that no SDK sends has them parsed', async t => {
  const body = parse('{"own":5,"batch":[{"type":"track","userId":"u","event":"e"}]}')
  const scan = body.envelope.scan as EnvelopeScan
  const batchSchema = (document: typeof contract) =>
    resolvePath(document, ['paths', '/batch', 'post', 'requestBody', 'content', 'application/json', 'schema']).node
  const closer = structuredClone(contract)
  Object.assign(batchSchema(closer)['properties'] as object, { own: { type: 'string' } })
  const closed = structuredClone(contract)
  Object.assign(batchSchema(closed), { unevaluatedProperties: false })
  for (const document of [closer, closed]) {
    const { envelopeConstraints, validateEnvelope } = createValidator({ contract: document, mode: 'compatible' })
    t.match(validateEnvelope(readEnvelope(scan, body, envelopeConstraints)), { pointer: '/own' })
    for (const broken of ['{"a":1{}', '{]', 'nul', '{"a":"\\x"}']) {
      const beside = parse(`\ufeff{"own":5,"batch":[{"type":"track"},${broken},{"type":"page"}],"sentAt":null}`)
      t.equal(beside.events.length, 3)
      const read = readEnvelope(beside.envelope.scan as EnvelopeScan, beside, envelopeConstraints)
      t.match(validateEnvelope(read), { pointer: '/own' }, `the field is checked beside ${broken}, which is not JSON`)
    }
  }
})
