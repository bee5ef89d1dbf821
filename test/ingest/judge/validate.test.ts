import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import type { ValidationMode } from '../../../src/contract/compile.ts'
import { loadContract } from '../../../src/contract/document.ts'
import type { Validator } from '../../../src/ingest/judge/validate.ts'
import { createValidator } from '../../../src/ingest/judge/validate.ts'
import type { EventType } from '../../../src/model/event-types.ts'
import { EVENT_TYPES, isEventType } from '../../../src/model/event-types.ts'
import type { ReasonCode } from '../../../src/model/reasons.ts'

type Event = Record<string, unknown>

const contract = loadContract(new URL('../../../openapi.yml', import.meta.url).pathname)
const validators: Record<ValidationMode, Validator> = {
  compatible: createValidator({ contract, mode: 'compatible' }),
  strict: createValidator({ contract, mode: 'strict' })
}
const MODES = ['compatible', 'strict'] as const
/** A single call need not have a type, and may have one that is ignored. */
const WAYS = {
  single: (event: Event): Event => ({ ...event, type: undefined }),
  'single, with another type': (event: Event): Event => ({ ...event, type: 5 }),
  batch: (event: Event): Event => event
}
type Way = keyof typeof WAYS
const WAY_NAMES = Object.keys(WAYS) as Way[]

/** The least that each call needs. */
const LEAST: Record<EventType, Event> = {
  identify: { type: 'identify', userId: 'u' },
  track: { type: 'track', userId: 'u', event: 'E' },
  page: { type: 'page', anonymousId: 'a' },
  screen: { type: 'screen', anonymousId: 'a' },
  group: { type: 'group', userId: 'u', groupId: 'g' },
  alias: { type: 'alias', userId: 'u', previousId: 'p' }
}

/** `code pointer` of an event's fault; empty if there is none. */
function judge(mode: ValidationMode, type: EventType, way: Way, event: Event): string {
  const found = validators[mode].validate(WAYS[way](event), type)
  return found === undefined ? '' : `${found.code} ${found.pointer}`
}

t.test('the minimum of each call is accepted, alone and in a batch, in both modes', async t => {
  for (const mode of MODES) {
    for (const type of EVENT_TYPES)
      for (const way of WAY_NAMES)
        t.equal(judge(mode, type, way, LEAST[type]), '', `${mode} ${way} ${type} is accepted`)
  }
})

interface Row {
  readonly what: string
  readonly type: EventType
  readonly more: Event
  readonly compatible: string
  readonly strict: string
}

/** What SDKs and their users really send, and the verdict of each mode. */
const REAL_TRAFFIC: readonly Row[] = [
  {
    what: 'the empty referrer of a page without a previous page',
    type: 'track',
    more: { context: { page: { referrer: '' } } },
    compatible: '',
    strict: 'schema_violation /context/page/referrer'
  },
  {
    what: 'an empty referrer in the properties of a page',
    type: 'page',
    more: { properties: { referrer: '' } },
    compatible: '',
    strict: 'schema_violation /properties/referrer'
  },
  {
    what: 'a null anonymousId beside a userId',
    type: 'track',
    more: { anonymousId: null },
    compatible: '',
    strict: 'id_not_string /anonymousId'
  },
  {
    what: 'a null userId beside an anonymousId',
    type: 'page',
    more: { userId: null },
    compatible: '',
    strict: 'id_not_string /userId'
  },
  { what: 'a null name', type: 'page', more: { name: null }, compatible: '', strict: 'name_not_string /name' },
  {
    what: 'a null category',
    type: 'page',
    more: { category: null },
    compatible: '',
    strict: 'category_not_string /category'
  },
  { what: 'an empty name', type: 'screen', more: { name: '' }, compatible: '', strict: '' },
  {
    what: 'a numeric groupId',
    type: 'group',
    more: { groupId: 77 },
    compatible: 'id_not_string /groupId',
    strict: 'id_not_string /groupId'
  },
  {
    what: 'a numeric previousId',
    type: 'alias',
    more: { previousId: 77 },
    compatible: 'id_not_string /previousId',
    strict: 'id_not_string /previousId'
  },
  {
    what: 'a numeric userId',
    type: 'identify',
    more: { userId: 5 },
    compatible: 'id_not_string /userId',
    strict: 'id_not_string /userId'
  },
  {
    what: 'a numeric anonymousId beside a userId',
    type: 'alias',
    more: { anonymousId: 5 },
    compatible: 'id_not_string /anonymousId',
    strict: 'id_not_string /anonymousId'
  },
  {
    what: 'null properties',
    type: 'track',
    more: { properties: null },
    compatible: '',
    strict: 'properties_not_object /properties'
  },
  {
    what: 'null traits',
    type: 'identify',
    more: { traits: null },
    compatible: '',
    strict: 'traits_not_object /traits'
  },
  {
    what: 'empty arrays as properties, as PHP sends them',
    type: 'track',
    more: { properties: [] },
    compatible: '',
    strict: 'properties_not_object /properties'
  },
  {
    what: 'an empty array as traits',
    type: 'group',
    more: { traits: [] },
    compatible: '',
    strict: 'traits_not_object /traits'
  },
  {
    what: 'an empty array as integrations',
    type: 'track',
    more: { integrations: [] },
    compatible: '',
    strict: 'integrations_invalid /integrations'
  },
  {
    what: 'an empty array as context',
    type: 'track',
    more: { context: [] },
    compatible: '',
    strict: 'context_not_object /context'
  },
  {
    what: 'an empty array inside the context',
    type: 'track',
    more: { context: { page: [] } },
    compatible: '',
    strict: 'schema_violation /context/page'
  },
  {
    what: 'an empty array as the options of an integration',
    type: 'track',
    more: { integrations: { A: [] } },
    compatible: '',
    strict: 'integrations_invalid /integrations/A'
  },
  {
    what: 'a null context',
    type: 'track',
    more: { context: null },
    compatible: '',
    strict: 'context_not_object /context'
  },
  {
    what: 'null integrations',
    type: 'track',
    more: { integrations: null },
    compatible: '',
    strict: 'integrations_invalid /integrations'
  },
  {
    what: 'a null value in integrations',
    type: 'track',
    more: { integrations: { A: null } },
    compatible: 'integrations_invalid /integrations/A',
    strict: 'integrations_invalid /integrations/A'
  },
  {
    what: 'a string in integrations',
    type: 'track',
    more: { integrations: { A: 'yes' } },
    compatible: 'integrations_invalid /integrations/A',
    strict: 'integrations_invalid /integrations/A'
  },
  {
    what: 'an array in integrations',
    type: 'track',
    more: { integrations: { A: ['x'] } },
    compatible: 'integrations_invalid /integrations/A',
    strict: 'integrations_invalid /integrations/A'
  },
  {
    what: 'options in integrations',
    type: 'track',
    more: { integrations: { All: false, A: { id: 1 } } },
    compatible: '',
    strict: ''
  },
  {
    what: 'nanoseconds and an offset',
    type: 'track',
    more: { timestamp: '2026-01-02T03:04:05.678901234+05:30' },
    compatible: '',
    strict: ''
  },
  {
    what: 'an offset without its colon',
    type: 'track',
    more: { timestamp: '2026-01-02T03:04:05+0000' },
    compatible: '',
    strict: ''
  },
  {
    what: 'a null timestamp',
    type: 'track',
    more: { timestamp: null },
    compatible: '',
    strict: 'timestamp_invalid /timestamp'
  },
  {
    what: 'a timestamp without a zone',
    type: 'track',
    more: { timestamp: '2026-01-02T03:04:05' },
    compatible: 'timestamp_invalid /timestamp',
    strict: 'timestamp_invalid /timestamp'
  },
  {
    what: 'a date',
    type: 'track',
    more: { timestamp: '2026-01-02' },
    compatible: 'timestamp_invalid /timestamp',
    strict: 'timestamp_invalid /timestamp'
  },
  {
    what: 'an epoch number',
    type: 'track',
    more: { timestamp: 1795416319000 },
    compatible: 'timestamp_invalid /timestamp',
    strict: 'timestamp_invalid /timestamp'
  },
  {
    what: 'a day that does not exist',
    type: 'track',
    more: { timestamp: '2026-02-30T00:00:00Z' },
    compatible: 'timestamp_invalid /timestamp',
    strict: 'timestamp_invalid /timestamp'
  },
  {
    what: 'a URL with blanks and letters beyond ASCII',
    type: 'page',
    more: { properties: { url: 'https://a.example/ä b' } },
    compatible: '',
    strict: 'schema_violation /properties/url'
  },
  {
    what: 'a null inside the context',
    type: 'track',
    more: { context: { ip: null, device: { type: null }, page: { title: null } } },
    compatible: '',
    strict: 'schema_violation /context/ip'
  },
  {
    what: 'a number inside the context instead of a string',
    type: 'track',
    more: { context: { page: { title: 5 } } },
    compatible: 'schema_violation /context/page/title',
    strict: 'schema_violation /context/page/title'
  },
  {
    what: 'a messageId of 100 characters',
    type: 'track',
    more: { messageId: '🎉'.repeat(100) },
    compatible: '',
    strict: ''
  },
  {
    what: 'a messageId of 101 characters',
    type: 'track',
    more: { messageId: 'm'.repeat(101) },
    compatible: 'message_id_invalid /messageId',
    strict: 'message_id_invalid /messageId'
  },
  {
    what: 'an empty messageId, which counts as none',
    type: 'track',
    more: { messageId: '' },
    compatible: '',
    strict: ''
  },
  {
    what: 'a null messageId',
    type: 'track',
    more: { messageId: null },
    compatible: '',
    strict: 'message_id_invalid /messageId'
  },
  {
    what: 'a null event',
    type: 'track',
    more: { event: null },
    compatible: 'event_not_defined /event',
    strict: 'event_not_defined /event'
  },
  {
    what: 'a null groupId',
    type: 'group',
    more: { groupId: null },
    compatible: 'id_required /groupId',
    strict: 'id_not_string /groupId'
  },
  {
    what: 'fields that SDKs send and the contract does not name',
    type: 'track',
    more: {
      _metadata: { bundled: [] },
      channel: 'server',
      sentAt: 'now',
      originalTimestamp: 5,
      writeKey: 'k',
      options: [],
      metrics: null,
      category: 7,
      unheard: { of: 1 }
    },
    compatible: '',
    strict: ''
  }
]

t.test('what real clients send is judged as listed, alone and in a batch, in each mode', async t => {
  for (const row of REAL_TRAFFIC) {
    for (const mode of MODES) {
      for (const way of WAY_NAMES)
        t.equal(
          judge(mode, row.type, way, { ...LEAST[row.type], ...row.more }),
          row[mode],
          `${mode} ${way}: ${row.what}`
        )
    }
  }
})

t.test('each fault of ids, names and payloads has its own code', async t => {
  const cases: [EventType, Event, string][] = [
    ['identify', {}, 'no_user_anon_id '],
    ['track', { event: 'E', userId: '', anonymousId: '' }, 'no_user_anon_id '],
    ['group', { groupId: 'g' }, 'no_user_anon_id '],
    ['group', { userId: 'u' }, 'id_required /groupId'],
    ['group', { userId: 'u', groupId: '' }, 'id_not_string /groupId'],
    ['alias', { previousId: 'p' }, 'id_required /userId'],
    ['alias', { userId: 'u' }, 'id_required /previousId'],
    ['alias', { userId: '', previousId: 'p' }, 'id_not_string /userId'],
    ['alias', { userId: 'u', previousId: '' }, 'id_not_string /previousId'],
    ['alias', { anonymousId: 'a', previousId: 'p' }, 'id_required /userId'],
    ['track', { userId: 'u' }, 'event_not_defined /event'],
    ['track', { userId: 'u', event: '' }, 'event_not_string /event'],
    ['track', { userId: 'u', event: 5 }, 'event_not_string /event'],
    ['track', { userId: 'u', event: 'E', properties: 'x' }, 'properties_not_object /properties'],
    ['track', { userId: 'u', event: 'E', properties: [1] }, 'properties_not_object /properties'],
    ['identify', { userId: 'u', traits: 5 }, 'traits_not_object /traits'],
    ['page', { userId: 'u', name: 5 }, 'name_not_string /name'],
    ['screen', { userId: 'u', category: {} }, 'category_not_string /category'],
    ['page', { userId: 'u', context: 'x' }, 'context_not_object /context'],
    ['page', { userId: 'u', integrations: true }, 'integrations_invalid /integrations'],
    ['page', { userId: 'u', messageId: 5 }, 'message_id_invalid /messageId'],
    ['page', { userId: 'u', event: { a: 1 } }, 'event_not_string /event'],
    ['identify', { userId: 'u', event: 5 }, 'event_not_string /event'],
    ['group', { userId: 'u', groupId: 'g', event: [] }, 'event_not_string /event'],
    ['track', { userId: 'u', event: 'E', name: 5 }, 'name_not_string /name'],
    ['alias', { userId: 'u', previousId: 'p', name: {} }, 'name_not_string /name'],
    ['track', { userId: 'u', event: 'E', traits: 'x' }, 'traits_not_object /traits'],
    ['page', { userId: 'u', traits: [1] }, 'traits_not_object /traits'],
    ['alias', { userId: 'u', previousId: 'p', traits: 5 }, 'traits_not_object /traits'],
    ['identify', { userId: 'u', properties: 'x' }, 'properties_not_object /properties'],
    ['group', { userId: 'u', groupId: 'g', properties: true }, 'properties_not_object /properties'],
    ['alias', { userId: 'u', previousId: 'p', properties: 5 }, 'properties_not_object /properties'],
    ['track', { userId: 'u', event: 'E', groupId: 5 }, 'id_not_string /groupId'],
    ['page', { userId: 'u', previousId: {} }, 'id_not_string /previousId'],
    ['page', { userId: ['u'] }, 'id_not_string /userId']
  ]
  for (const [type, event, expected] of cases) {
    for (const mode of MODES) {
      for (const way of WAY_NAMES)
        t.equal(
          judge(mode, type, way, { type, ...event }),
          expected,
          `${mode} ${way} ${type} ${JSON.stringify(event)} has the expected code`
        )
    }
  }
})

t.test(
  'the first of several faults is reported: ids, then required fields, then the rest in the order of the contract',
  async t => {
    /** Each mends one fault more. */
    const mend: readonly Event[] = [
      { userId: 5 },
      { userId: '' },
      { userId: 'u' },
      { event: 'E' },
      { properties: {} },
      { context: { active: 'yes' } },
      { context: {} },
      { integrations: {} },
      { timestamp: '2026-01-02T03:04:05Z' },
      { messageId: 'm' }
    ]
    const faults = [
      'id_not_string /userId',
      'no_user_anon_id ',
      'event_not_defined /event',
      'properties_not_object /properties',
      'context_not_object /context',
      'schema_violation /context/active',
      'integrations_invalid /integrations',
      'timestamp_invalid /timestamp',
      'message_id_invalid /messageId',
      ''
    ]
    for (const mode of MODES) {
      for (const way of WAY_NAMES) {
        let event: Event = { messageId: 5, timestamp: 5, integrations: 5, context: 5, properties: 5, type: 'track' }
        for (const [i, better] of mend.entries()) {
          event = { ...event, ...better }
          t.equal(judge(mode, 'track', way, event), faults[i], `${mode} ${way} after correction ${i}`)
        }
      }
    }
  }
)

t.test('a type that openapi.yml no longer lists for batches is refused, alone and in a batch', async t => {
  const copy = structuredClone(contract)
  const items = JSON.parse(JSON.stringify(copy.components.schemas['BatchCall'])) as {
    properties: { batch: { items: { properties: { type: { enum: string[] } } } } }
  }
  items.properties.batch.items.properties.type.enum = ['track']
  copy.components.schemas['BatchCall'] = items
  const { validate } = createValidator({ contract: copy, mode: 'strict' })
  for (const way of WAY_NAMES)
    t.match(validate(WAYS[way](LEAST.page), 'page'), { code: 'type_invalid', pointer: '/type' }, way)
})

t.test('the shared members of a batch are judged separately, and its items are not checked', async t => {
  const cases: [Event, string, string?][] = [
    [{ batch: [5, {}], sentAt: 5, writeKey: null, sequence: {}, messageId: 5, more: [] }, ''],
    [{ batch: [1], context: {}, integrations: { All: true } }, ''],
    [{}, 'batch_required /batch'],
    [{ batch: null }, 'batch_required /batch'],
    [{ batch: {} }, 'batch_not_array /batch'],
    [{ batch: '[]' }, 'batch_not_array /batch'],
    [{ batch: [] }, 'empty_batch /batch'],
    [{ batch: Array.from({ length: 2500 }, () => 1) }, ''],
    [{ batch: Array.from({ length: 2501 }, () => 1) }, 'too_many_events /batch'],
    [{ batch: [1], context: 5 }, 'context_not_object /context'],
    [{ batch: [1], context: { page: { title: 5 } } }, 'schema_violation /context/page/title'],
    [{ batch: [1], integrations: 'x' }, 'integrations_invalid /integrations'],
    [{ batch: [1], integrations: { A: 5 } }, 'integrations_invalid /integrations/A'],
    [{ batch: [], context: 5 }, 'empty_batch /batch'],
    [{ batch: [1], context: null, integrations: null }, '', 'context_not_object /context'],
    [{ batch: [1], integrations: [] }, '', 'integrations_invalid /integrations']
  ]
  for (const [envelope, compatible, strict = compatible] of cases) {
    for (const mode of MODES) {
      const found = validators[mode].validateEnvelope(envelope)
      t.equal(
        found === undefined ? '' : `${found.code} ${found.pointer}`,
        mode === 'strict' ? strict : compatible,
        JSON.stringify(envelope).slice(0, 80)
      )
    }
  }
  t.match(
    validators.strict.validateEnvelope({ batch: Array.from({ length: 2501 }) })?.message,
    '2500',
    'the message names the limit'
  )
  const few = createValidator({ contract, mode: 'compatible', limits: { maxBatchEvents: 2 } })
  t.match(few.validateEnvelope({ batch: [1, 2, 3] }), { code: 'too_many_events' })
})

t.test('messages name the field, and neither they nor pointers repeat a long payload', async t => {
  const { validate } = validators.compatible
  t.equal(validate({ userId: 5 }, 'page')?.message, 'userId must be a string')
  t.equal(validate({ userId: 'u', groupId: '' }, 'group')?.message, 'groupId must be a non-empty string')
  t.equal(validate({ userId: 'u' }, 'group')?.message, 'groupId is required')
  t.equal(
    validate({ userId: 'u', context: { page: { title: 5 } } }, 'page')?.message,
    'context.page.title must be string'
  )
  for (const page of [5, [5]])
    t.equal(validate({ userId: 'u', context: { page } }, 'page')?.message, 'context.page must be object')

  const long = 'k'.repeat(30_000)
  const found = validate({ userId: 'u', integrations: { [long]: 5 } }, 'page')
  t.match(
    found,
    { code: 'integrations_invalid', pointer: '/integrations' },
    'the pointer names the nearest member that has a short name'
  )
  const escaped = validate({ userId: 'u', integrations: { 'a/b~c': 5 } }, 'page')
  t.equal(escaped?.pointer, '/integrations/a~1b~0c')
  for (const event of [
    { userId: 'u', name: { [long]: long } },
    { userId: 'u', context: { page: long } },
    { userId: 'u', timestamp: long },
    { userId: [long] }
  ]) {
    const message = validate(event, 'page')?.message ?? ''
    t.ok(message.length > 0 && message.length < 200, message.slice(0, 200))
  }
})

t.test('a null that openapi.yml does not allow is reported as missing if the field is required', async t => {
  const copy = structuredClone(contract)
  Object.assign(copy.components.schemas['TrackCall'] as object, { required: ['event', 'team', 'properties'] })
  const { validate } = createValidator({ contract: copy, mode: 'compatible' })
  t.match(validate({ userId: 'u', event: 'E', team: null }, 'track'), {
    code: 'schema_violation',
    pointer: '/properties'
  })
  const found = validate({ userId: 'u', event: 'E', team: null, properties: {} }, 'track')
  t.match(found, { code: 'schema_violation', pointer: '/team', message: 'team is required' })
})

t.test('additional rules of openapi.yml about known fields are schema violations without own codes', async t => {
  const copy = structuredClone(contract)
  const call = copy.components.schemas['TrackCall'] as { properties: Record<string, Event> }
  Object.assign(call.properties['event'] as Event, { maxLength: 3 })
  Object.assign(call.properties['properties'] as Event, { required: ['total'] })
  const { validate } = createValidator({ contract: copy, mode: 'strict' })
  t.match(validate({ ...LEAST.track, event: 'long' }, 'track'), {
    code: 'schema_violation',
    pointer: '/event',
    message: /event must NOT have more than 3/
  })
  t.match(validate({ ...LEAST.track, properties: {} }, 'track'), {
    code: 'schema_violation',
    pointer: '/properties/total',
    message: 'properties.total is required'
  })
})

interface Sample {
  readonly file: string
  readonly type: unknown
  readonly event: Event
}

const LETTERS: Readonly<Record<string, EventType>> = {
  i: 'identify',
  t: 'track',
  p: 'page',
  s: 'screen',
  g: 'group',
  a: 'alias'
}

/** Every event that an SDK was recorded to send. */
function recordedEvents(): Sample[] {
  const dir = new URL('../../contract/samples/', import.meta.url).pathname
  return readdirSync(dir).flatMap(file => {
    const recorded = JSON.parse(readFileSync(`${dir}${file}`, 'utf8')) as { requests: Event[] } | Event[]
    const requests = Array.isArray(recorded) ? recorded : recorded.requests
    return requests.flatMap(({ url, body }): Sample[] => {
      if (typeof body !== 'object' || body === null || 'series' in body) return []
      if ('batch' in body) return (body.batch as Event[]).map(event => ({ file, type: event['type'], event }))
      const last = String(url).split('/').at(-1) ?? ''
      const type = LETTERS[last] ?? last
      return isEventType(type) ? [{ file, type, event: body as Event }] : []
    })
  })
}

t.test('every recorded event of an unmodified SDK is accepted, except numbers as ids', async t => {
  const samples = recordedEvents()
  t.ok(samples.length > 100, `${samples.length} events were judged`)
  const refused = new Map<string, number>()
  for (const { file, type, event } of samples) {
    t.ok(isEventType(type), file)
    const found = validators.compatible.validate(event, type as EventType)
    if (found === undefined) continue
    const numeric =
      found.code === ('id_not_string' satisfies ReasonCode) && typeof event[found.pointer.slice(1)] === 'number'
    t.ok(numeric, `${file}: ${found.code} ${found.pointer} ${JSON.stringify(event).slice(0, 200)}`)
    refused.set(found.pointer, (refused.get(found.pointer) ?? 0) + 1)
  }
  t.same([...refused.keys()], ['/groupId'])
})
