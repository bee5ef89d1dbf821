/** An event gets the same verdict on every path, and published records match schemas/. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { EventType } from '../../../src/model/event-types.ts'
import { EVENT_TYPES } from '../../../src/model/event-types.ts'
import type { PublishedRecord } from '../../support/memory-sink.ts'
import { basic, postUntilTaken, startApp } from '../../support/app.ts'
import type { TestApp } from '../../support/app.ts'
import { FIELDS, member } from '../../support/random-members.ts'
import { recordFault } from '../../support/record-schemas.ts'

type Json = Record<string, unknown>

/** `npm run test:verdicts` tests 100,000 events, with another seed each time. */
const EVENTS = Number(process.env['VERDICT_EVENTS'] ?? 20_000)
const SEED = process.env['VERDICT_EVENTS'] === undefined ? 1 : Date.now()
const MODES = ['compatible', 'strict'] as const
const EVENTS_A_BATCH = 20

const CONFIG = `sources:
  - { id: alone, writeKeys: [wk_alone] }
  - { id: batch, writeKeys: [wk_batch] }
`
const [ALONE, BATCH] = ['wk_alone', 'wk_batch'].map(key => ({ authorization: basic(key) }))

/** Values of any type at any position, which are difficult for readers, parsers and contracts. */
const ODD: readonly string[] = [
  ...['NaN', '01', 'Infinity', "'x'", 'undefined', '1e999', '-0', '12345678901234567890123', '0.1e-7', '"\\ud800"'],
  ...[
    '"\\u0000"',
    '{"__proto__":{}}',
    '{"constructor":{"prototype":1}}',
    '{"constructor":1}',
    '{"a":1,"a":2}',
    '[[[]]]'
  ],
  ...[`"${'x'.repeat(40_000)}"`, `${'['.repeat(70)}${']'.repeat(70)}`, '"\u2028"', '"é\u{1f600}"', '""', '" "', 'true']
]
const KEYS = [...Object.keys(FIELDS), 'channel', 'options', 'metrics', 'projectId', '__proto__', 'constructor', '']

const odd = fc.tuple(fc.constantFrom(...KEYS), fc.constantFrom(...ODD))

/** The members of an event except its type: mostly valid, and some of them changed. */
const event: fc.Arbitrary<RandomEvent> = fc
  .record({
    type: fc.constantFrom(...EVENT_TYPES),
    changes: fc.array(fc.oneof({ weight: 5, arbitrary: member }, { weight: 1, arbitrary: odd }), { maxLength: 4 }),
    /** The body of a single call contains a type, but its path decides. */
    alone: fc.constantFrom('', '', ...(FIELDS['type'] ?? [])),
    blank: fc.constantFrom('', '', ' ', '\n', '\t\r\n '),
    repeats: fc.nat(19)
  })
  .map(({ type, changes, alone, blank, repeats }) => {
    const members = new Map([
      ['messageId', ''],
      ['userId', '"u"'],
      ...(type === 'track' ? [['event', '"e"'] as const] : []),
      ...(type === 'group' ? [['groupId', '"g"'] as const] : []),
      ...(type === 'alias' ? [['previousId', '"p"'] as const] : []),
      ...changes.filter(([key]) => key !== 'type')
    ])
    const repeated = repeats === 0 ? [...members].slice(-1) : []
    const rest = [...members, ...repeated]
    return {
      type,
      toJson: (id: string, isAlone: boolean): string => {
        const own = isAlone ? alone : `"${type}"`
        const all = own === '' ? rest : [...rest, ['type', own] as const]
        const pairs = all.map(([key, value]) => `"${key}":${blank}${value === '' ? `"${id}"` : value}`)
        return `{${blank}${pairs.join(`${blank},`)}${blank}}`
      }
    }
  })

interface RandomEvent {
  readonly type: EventType
  /** @param id the messageId, if the random event has none of its own */
  readonly toJson: (id: string, isAlone: boolean) => string
}

/** A record without the parts that depend on the endpoint: the source, and an id that the server made. */
function comparable({ line }: PublishedRecord): string {
  const { projectId: _, messageId, ...value } = JSON.parse(line.toString()) as Json
  const isMade = /^[0-9a-f]{8}-[0-9a-f]{4}-4/.test(String(messageId))
  return inOrder({ ...value, messageId: isMade ? 'made' : messageId })
}

/** The type is where the client wrote it, or at the end. */
const inOrder = (value: Json): string => JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))

/** The results of events: a verdict for each, and the records of the accepted events. */
interface Fate {
  readonly verdicts: readonly string[]
  readonly records: readonly string[]
}

/** Sends events to one server in both ways, as two sources, so that they are not duplicates of each other. */
function createTrial({ url, sink }: TestApp) {
  let sent = 0

  function take(verdicts: readonly string[]): Fate {
    const records = sink.records.splice(0)
    for (const { kind, line } of records) {
      const found = recordFault(kind, line.toString())
      if (found !== undefined) throw new Error(found)
    }
    return { verdicts, records: records.filter(({ kind }) => kind === 'event').map(comparable) }
  }

  return async (events: readonly RandomEvent[]): Promise<Record<'alone' | 'batch', Fate>> => {
    const first = sent
    sent += events.length
    const verdicts: string[] = []
    for (const [i, { type, toJson }] of events.entries()) {
      const { status, body } = await postUntilTaken(`${url}/v1/${type}`, toJson(`m${first + i}`, true), ALONE)
      verdicts.push(status === 200 ? 'accepted' : verdictOf(body))
    }
    const alone = take(verdicts)
    const batch = `{"batch":[${events.map(({ toJson }, i) => toJson(`m${first + i}`, false)).join()}]}`
    const { body } = await postUntilTaken(`${url}/v1/batch`, batch, BATCH)
    const refused = new Map((body['errors'] as Json[] | undefined)?.map(error => [error['index'], verdictOf(error)]))
    return { alone, batch: take(events.map((_, i) => refused.get(i) ?? 'accepted')) }
  }
}

function verdictOf({ code, pointer = '' }: Json): string {
  return `${String(code)} ${String(pointer)}`
}

for (const mode of MODES) {
  t.test(`${mode}: ${EVENTS / 2} events have one verdict and one record, alone and in a batch`, async t => {
    const sendBothWays = createTrial(await startApp(t, { config: CONFIG, env: { VALIDATION: mode } }))
    const verdicts = new Map<string, number>()
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: EVENTS_A_BATCH, maxLength: EVENTS_A_BATCH }), async events => {
        const { alone, batch } = await sendBothWays(events)
        for (const verdict of alone.verdicts) {
          const code = verdict.split(' ')[0] ?? ''
          verdicts.set(code, (verdicts.get(code) ?? 0) + 1)
        }
        for (const [i, { toJson }] of events.entries()) {
          assert.equal(alone.verdicts[i], batch.verdicts[i], `alone and in a batch: ${toJson('m', false)}`)
        }
        assert.deepEqual(alone.records, batch.records)
      }),
      { numRuns: EVENTS / 2 / EVENTS_A_BATCH, seed: SEED, endOnFailure: true }
    )
    t.comment(Object.fromEntries(verdicts))
    t.ok((verdicts.get('accepted') ?? 0) > EVENTS / 8, 'many events were accepted')
    t.ok(verdicts.size > 12, `the other events were refused with ${verdicts.size - 1} codes`)
  })
}
