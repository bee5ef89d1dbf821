/** Another validator and the server give the same verdict on a body. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import t from 'tap'
import type { Json } from '../../src/contract/document.ts'
import { loadContract } from '../../src/contract/document.ts'
import { addSafeFormats } from '../../src/contract/formats.ts'
import { EVENT_TYPES } from '../../src/model/event-types.ts'
import { ERRORS } from '../../src/model/errors.ts'
import { REASONS } from '../../src/model/reasons.ts'
import { post, startApp } from '../support/app.ts'
import { member } from '../support/random-members.ts'

const document = loadContract(new URL('../../openapi.yml', import.meta.url).pathname)
const ajv = new Ajv2020({ strict: false, ownProperties: true })
addSafeFormats(ajv)
ajv.addSchema(document, 'contract')

/** A schema of the document, compiled without any of the server's code. */
const own = (name: string) => ajv.compile({ $ref: `contract#/components/schemas/${name}` })
const nameOf = (type: string): string => `${type[0]?.toUpperCase()}${type.slice(1)}Call`
const CALLS = Object.fromEntries(EVENT_TYPES.map(type => [type, own(nameOf(type))]))
const isBatch = own('BatchCall')

async function send(url: string, path: string, body: string): Promise<{ status: number; code: unknown }> {
  const answered = await post(`${url}${path}`, body)
  return { status: answered.status, code: answered.body['code'] }
}

const POISON = ['{"__proto__":{}}', '{"a":[{"b":{"__proto__":1}}]}', '{"constructor":{"prototype":{}}}']
const HARMLESS = ['{"constructor":{"a":1}}', '{"prototype":{}}', '{"a":[{"b":"__proto__"}]}']

t.test('strict mode accepts a body exactly if the schemas of openapi.yml alone accept it', async t => {
  const { url } = await startApp(t, { env: { VALIDATION: 'strict' } })
  const verdicts = { good: 0, bad: 0 }
  const payload = fc.constantFrom(...POISON, ...HARMLESS).map(json => ['properties', json] as const)
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...EVENT_TYPES),
      fc.array(fc.oneof({ weight: 9, arbitrary: member }, payload), { maxLength: 3 }),
      fc.subarray(['userId', 'anonymousId', 'groupId', 'previousId', 'event'], { minLength: 2 }),
      async (type, changed, ids) => {
        // The type of a body is that of its path. The schemas express what the text of the contract says about empty
        // ids.
        const fields = new Map([...ids.map(id => [id, '"x"'] as const), ...changed.filter(([key]) => key !== 'type')])
        const members = [...fields].map(([key, json]) => `"${key}":${json}`)
        const body = `{${members.join(',')}}`
        const item = `{${[`"type":"${type}"`, ...members].join(',')}}`
        // Schemas cannot see that a key occurs twice.
        if (/"(ip|location)".*"\1"/.test(body)) return true
        const isGood = CALLS[type]?.(JSON.parse(body)) === true
        const isGoodItem = isBatch(JSON.parse(`{"batch":[${item}]}`))
        const [single, batch] = [
          await send(url, `/v1/${type}`, body),
          await send(url, '/v1/batch', `{"batch":[${item}]}`)
        ]
        verdicts[isGood ? 'good' : 'bad']++
        return isGood === isGoodItem && isGood === (single.status === 200) && isGood === (batch.status === 200)
      }
    ),
    { numRuns: 600, seed: 21 }
  )
  t.ok(verdicts.good > 100 && verdicts.bad > 100, JSON.stringify(verdicts))
})

t.test('an event without a user is refused by the schemas, and by the server with Segment’s code', async t => {
  const { url } = await startApp(t, { env: { VALIDATION: 'strict' } })
  for (const type of EVENT_TYPES.filter(type => type !== 'alias')) {
    for (const ids of [{}, { userId: '' }, { anonymousId: '' }, { userId: '', anonymousId: '' }]) {
      const event = { event: 'E', groupId: 'g', ...ids }
      t.notOk(CALLS[type]?.(event), `${type} is refused with ${JSON.stringify(ids)}`)
      t.same(await send(url, `/v1/${type}`, JSON.stringify(event)), { status: 400, code: 'no_user_anon_id' })
    }
    t.ok(CALLS[type]?.({ event: 'E', groupId: 'g', userId: 'u', anonymousId: '' }), `${type}: one id is enough`)
  }
})

t.test('the examples in openapi.yml are valid, and the server accepts them', async t => {
  const { url, sink } = await startApp(t, { env: { VALIDATION: 'strict' } })
  for (const path of [...EVENT_TYPES, 'batch']) {
    const { examples } = document.components.schemas[nameOf(path)] as { examples: unknown[] }
    for (const example of examples)
      t.match(await send(url, `/v1/${path}`, JSON.stringify(example)), { status: 200 }, path)
  }
  t.equal(sink.records.length, 8)
})

t.test('the examples of errors have the messages of the server', async t => {
  const found: Record<string, string>[] = []
  JSON.stringify(document.components['responses'], (_, value: unknown) => {
    const json = value as Json | null
    if (typeof json === 'object' && typeof json?.['code'] === 'string') found.push(json as Record<string, string>)
    return value
  })
  t.ok(found.length > 5, `the contract has ${found.length} examples`)
  const words = new Map<string, string>(Object.entries(REASONS))
  for (const [code, { message }] of Object.entries(ERRORS)) words.set(code, message)
  for (const { code, message } of found)
    t.ok(message?.endsWith(words.get(code ?? '') ?? '?'), `${code} has the message of the server: ${message}`)
})
