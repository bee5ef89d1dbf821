import fc from 'fast-check'
import t from 'tap'
import type { ParsedBody } from '../../../src/ingest/parse/body.ts'
import { parseBody } from '../../../src/ingest/parse/body.ts'
import { encodeRejected } from '../../../src/ingest/enrich/encode-rejected.ts'
import { createFacts, EventEncoder } from '../../../src/ingest/enrich/encode.ts'
import { EventEntry } from '../../../src/ingest/pipeline/entry.ts'
import { GoodEvent } from '../../../src/ingest/judge/good-event.ts'
import { LineWriter } from '../../../src/ingest/enrich/line-writer.ts'
import { Pattern } from '../../../src/ingest/judge/pattern.ts'
import type { Scan } from '../../../src/ingest/parse/scan-result.ts'
import type { EventType } from '../../../src/model/event-types.ts'
import { DEFAULT_LIMITS } from '../../../src/model/limits.ts'
import { fault } from '../../../src/model/reasons.ts'

const RECEIVED_AT = Date.parse('2026-11-23T12:00:00.000Z')
const RECEIVED_AT_TEXT = '2026-11-23T12:00:00.000Z'

type Json = Record<string, unknown>

function parse(text: string, endpoint: 'single' | 'batch'): ParsedBody {
  const parsed = parseBody(Buffer.from(text), { endpoint, limits: DEFAULT_LIMITS })
  if (!parsed.ok) throw new Error(parsed.fault.code)
  return parsed.body
}

function facts(body: ParsedBody, address = '198.51.100.7') {
  return createFacts({ body, source: 'web', path: '/v1/batch', receivedAt: RECEIVED_AT, address })
}

function goodEvent(body: ParsedBody, index: number, type: EventType): GoodEvent {
  const scan = body.events[index] as Scan
  return new GoodEvent(scan, body, new Pattern(scan, type, JSON.parse(body.text(scan.start, scan.end)) as Json))
}

function encode(
  text: string,
  options: { endpoint?: 'single' | 'batch'; type?: EventType; address?: string } = {}
): string {
  const body = parse(text, options.endpoint ?? 'single')
  const event = goodEvent(body, 0, options.type ?? 'track')
  const writer = new LineWriter(16)
  const entry = new EventEntry(facts(body), event)
  event.writeKeySpans(entry)
  new EventEncoder(writer, facts(body, options.address)).encode(event, entry)
  return written(writer)
}

function written({ block, length }: LineWriter): string {
  return block.toString('utf8', 0, length)
}

t.test('numbers, key order, escapes, nulls and empty lists are published with the bytes received', async t => {
  const properties =
    '{"big":12345678901234567890,"money":1.10,"e":1e400,"z":-0,"b":1,"a":2,"esc":"\\u00e9\\/","n":null,"l":[],"dup":1,"dup":2}'
  const line = encode(`{"userId":"u","event":"e","messageId":"m","properties":${properties},"custom":{"x":1.0}}`)
  t.ok(line.includes(`"properties":${properties}`))
  t.ok(line.includes('"custom":{"x":1.0}'))
  t.ok(line.endsWith('}\n'))
})

t.test('line breaks between tokens are removed, so that one event stays one line, and strings keep theirs', async t => {
  const line = encode(
    '{\r\n  "userId": "u",\n  "event": "a\\nb",\n  "context": {\n "ip": "1.2.3.4"\n},\n  "messageId": "m"\n}\n'
  )
  t.equal(line.indexOf('\n'), line.length - 1)
  t.equal((JSON.parse(line) as Json)['event'], 'a\nb')
})

t.test('the write key is never published', async t => {
  const line = encode('{"writeKey":"wk_secret","userId":"u","event":"e"}')
  t.notMatch(line, /wk_secret|writeKey/)
})

t.test('originalTimestamp is spelled as by the client; timestamp has a spelling that every reader accepts', async t => {
  for (const [spelled, timestamp] of [
    ['2026-01-02T03:04:05.678Z', '2026-01-02T03:04:05.678Z'],
    ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05Z'],
    ['2026-01-02T03:04:05.678901234+05:30', '2026-01-02T03:04:05.678901234+05:30'],
    ['2026-01-02t03:04:05.678901234z', '2026-01-02T03:04:05.678901234Z'],
    ['2026-01-02T03:04:05z', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02 03:04:05.6-05:30', '2026-01-02T08:34:05.600Z'],
    ['2026-01-02 03:04:05Z', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02T03:04:05.678901+0530', '2026-01-01T21:34:05.678901Z'],
    ['\\u0032026-01-02 03:04:05+0530', '2026-01-01T21:34:05.000Z'],
    ['9999-12-31 23:59:59-0530', '9999-12-31 23:59:59-0530']
  ] as const) {
    const line = encode(`{"userId":"u","event":"e","messageId":"m","timestamp":"${spelled}"}`)
    t.ok(
      line.includes(`"originalTimestamp":"${spelled}","timestamp":"${timestamp}"`),
      `${spelled} becomes ${timestamp}: ${line}`
    )
    const original = encode(`{"userId":"u","event":"e","messageId":"m","originalTimestamp":"${spelled}"}`)
    t.equal(
      (JSON.parse(original) as Json)['timestamp'],
      timestamp,
      `the originalTimestamp ${spelled} gives the expected timestamp`
    )
  }
})

t.test('times follow the rule of Segment: timestamp = receivedAt - (sentAt - originalTimestamp)', async t => {
  const rows: [name: string, event: string, envelope: string, expected: Json][] = [
    [
      'a clock two hours ahead is corrected',
      '"timestamp":"2026-11-23T13:59:50.000Z","sentAt":"2026-11-23T14:00:00.000Z"',
      '',
      {
        timestamp: '2026-11-23T11:59:50.000Z',
        originalTimestamp: '2026-11-23T13:59:50.000Z',
        sentAt: '2026-11-23T14:00:00.000Z'
      }
    ],
    [
      "the batch's sentAt serves where the event has none",
      '"timestamp":"2026-11-23T13:59:50.000Z"',
      ',"sentAt":"2026-11-23T14:00:00.000Z"',
      { timestamp: '2026-11-23T11:59:50.000Z', sentAt: '2026-11-23T14:00:00.000Z' }
    ],
    [
      'without sentAt the original stays, digit for digit',
      '"timestamp":"2026-01-02T03:04:05.678901234+05:30"',
      '',
      {
        timestamp: '2026-01-02T03:04:05.678901234+05:30',
        originalTimestamp: '2026-01-02T03:04:05.678901234+05:30',
        sentAt: undefined
      }
    ],
    [
      'without a timestamp it is receivedAt',
      '"a":1',
      ',"sentAt":"2026-11-23T14:00:00.000Z"',
      { timestamp: RECEIVED_AT_TEXT, originalTimestamp: undefined, sentAt: '2026-11-23T14:00:00.000Z' }
    ],
    ['a null timestamp is none', '"timestamp":null', '', { timestamp: RECEIVED_AT_TEXT, originalTimestamp: undefined }],
    [
      'an originalTimestamp of the client is kept',
      '"originalTimestamp":"2026-11-23T13:00:00.000Z"',
      ',"sentAt":"2026-11-23T14:00:00.000Z"',
      { timestamp: '2026-11-23T11:00:00.000Z', originalTimestamp: '2026-11-23T13:00:00.000Z' }
    ],
    [
      'a historic timestamp is not lost to an originalTimestamp beside it',
      '"timestamp":"2026-01-02T03:04:05.678Z","originalTimestamp":"2026-11-23T11:59:59.000Z"',
      ',"sentAt":"2026-11-23T12:00:00.000Z"',
      { timestamp: '2026-01-02T03:04:05.678Z', originalTimestamp: '2026-11-23T11:59:59.000Z' }
    ],
    [
      'a sentAt that is no date-time corrects nothing',
      '"timestamp":"2026-11-23T13:00:00Z","sentAt":"soon"',
      '',
      { timestamp: '2026-11-23T13:00:00Z', sentAt: 'soon' }
    ],
    [
      'a correction that leaves the calendar is not made',
      '"timestamp":"0000-01-01T00:00:00Z"',
      ',"sentAt":"2026-11-23T14:00:00.000Z"',
      { timestamp: '0000-01-01T00:00:00Z' }
    ]
  ]
  for (const [name, event, envelope, expected] of rows) {
    const line = encode(`{"batch":[{"type":"track","userId":"u","event":"e","messageId":"m",${event}}]${envelope}}`, {
      endpoint: 'batch'
    })
    const record = JSON.parse(line) as Json
    for (const [key, value] of Object.entries(expected))
      t.equal(record[key], value, `${name}: ${key} has the expected value`)
    t.equal(record['receivedAt'], RECEIVED_AT_TEXT)
  }
})

t.test('a sentAt long before the event is not trusted, and moves no event into the future', async t => {
  const timesOf = (timestamp: string, sentAt: string): unknown => {
    const event = `{"type":"track","userId":"u","event":"e","messageId":"m","timestamp":"${timestamp}"}`
    const line = encode(`{"batch":[${event}],"sentAt":"${sentAt}"}`, { endpoint: 'batch' })
    const record = JSON.parse(line) as Json
    return [record['timestamp'], record['originalTimestamp'], record['sentAt']]
  }
  const own = '2026-11-23T11:59:50.123456Z'
  const starts = {
    Unix: [
      '1970-01-01T00:00:00Z',
      '1970-01-01T00:00:00.000+00:00',
      '1970-01-01T01:00:00+01:00',
      '1970-01-01T00:07:00Z'
    ],
    'Windows, the Mac, spreadsheets': ['1601-01-01T00:00:00Z', '1904-01-01T00:00:00Z', '1899-12-30T00:00:00Z'],
    'GPS, DOS, Cocoa, a phone': [
      '1980-01-06T00:00:00Z',
      '1980-01-01T00:00:00Z',
      '2001-01-01T00:00:00Z',
      '2015-01-01T00:00:00Z'
    ]
  }
  for (const [of, times] of Object.entries(starts)) {
    for (const sentAt of times)
      t.same(timesOf(own, sentAt), [own, own, sentAt], `${of} with a sentAt of ${sentAt} is not corrected`)
  }
  const mended: [timestamp: string, sentAt: string, corrected: string][] = [
    ['1970-01-01T00:00:01.500Z', '1970-01-01T00:00:03.500Z', '2026-11-23T11:59:58.000Z'],
    ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z', '2026-11-23T12:00:00.000Z'],
    ['2015-01-01T00:00:05Z', '2015-01-01T00:00:00Z', '2026-11-23T12:00:05.000Z'],
    ['2031-01-01T00:00:00Z', '2031-01-01T00:00:10Z', '2026-11-23T11:59:50.000Z'],
    ['1970-01-01T00:00:00Z', '2026-11-23T12:00:01Z', '1969-12-31T23:59:59.000Z'],
    ['2027-11-23T12:00:00.000Z', '2026-11-23T12:00:00.000Z', '2027-11-23T12:00:00.000Z'],
    ['2027-11-23T13:00:00.000Z', '2026-11-23T13:00:00.000Z', '2027-11-23T12:00:00.000Z']
  ]
  for (const [timestamp, sentAt, corrected] of mended) {
    t.same(
      timesOf(timestamp, sentAt),
      [corrected, timestamp, sentAt],
      `${timestamp} with a sentAt of ${sentAt} is corrected`
    )
  }
  t.same(
    timesOf('2027-11-24T13:00:00.001Z', '2026-11-23T13:00:00.000Z'),
    ['2027-11-24T13:00:00.001Z', '2027-11-24T13:00:00.001Z', '2026-11-23T13:00:00.000Z'],
    'a difference of one millisecond above 366 days is not corrected'
  )
})

/** The zero times of Go and .NET, as time zones, serialisers and escapes spell them. */
const ZERO_TIMES = [
  ...['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z', '0001-01-01T00:00:00.0000000Z', '0001-01-01 00:00:00z'],
  ...['0001-01-01T00:00:00+00:00', '0001-01-01T00:00:00+02:00', '0001-01-01T00:00:00.0000000-0800'],
  ...['0000-12-31T19:03:58-04:56', '0001-01-01T01:00:00+01:00', '\\u0030001-01-01T00:00:00Z']
]

t.test("a zero sentAt counts as missing, however it is spelled, and the batch's sentAt is used", async t => {
  const own = '2026-11-23T13:00:00.000Z'
  for (const zero of ZERO_TIMES) {
    const event = `{"type":"track","userId":"u","event":"e","messageId":"m","timestamp":"${own}","sentAt":"${zero}"}`
    const times = (rest: string): unknown[] => {
      const line = encode(`{"batch":[${event}]${rest}}`, { endpoint: 'batch' })
      const { timestamp, originalTimestamp, sentAt } = JSON.parse(line) as Json
      return [timestamp, originalTimestamp, sentAt]
    }
    const spelled = JSON.parse(`"${zero}"`) as string
    t.same(times(''), [own, own, spelled], `the sentAt ${zero} corrects nothing and is kept`)
    t.same(times(`,"sentAt":"${zero}"`), [own, own, spelled])
    const sentAt = '2026-11-23T14:00:00.000Z'
    t.same(times(`,"sentAt":"${sentAt}"`), ['2026-11-23T11:00:00.000Z', own, sentAt], zero)
  }
  for (const sentAt of ['0001-01-02T00:00:01Z', '0000-12-30T23:59:59Z', '0009-01-01T00:00:00Z']) {
    const line = encode(`{"userId":"u","event":"e","timestamp":"${sentAt}","sentAt":"${sentAt}"}`)
    t.equal(
      (JSON.parse(line) as Json)['timestamp'],
      RECEIVED_AT_TEXT,
      `the sentAt ${sentAt} counts as a time, although its clock is wrong`
    )
  }
})

t.test('a zero timestamp counts as missing: originalTimestamp is used, otherwise the time of receipt', async t => {
  for (const zero of ZERO_TIMES) {
    const times = (rest: string): unknown[] => {
      const line = encode(`{"userId":"u","event":"e","messageId":"m","timestamp":"${zero}"${rest}}`)
      const { timestamp, originalTimestamp } = JSON.parse(line) as Json
      return [timestamp, originalTimestamp]
    }
    t.same(times(''), [RECEIVED_AT_TEXT, undefined], zero)
    t.same(
      times(`,"sentAt":"${zero}"`),
      [RECEIVED_AT_TEXT, undefined],
      'an event with both times zero gets the time of receipt'
    )
    t.same(times(`,"originalTimestamp":"${zero}"`), [RECEIVED_AT_TEXT, undefined])
    const original = '2026-11-23T13:00:00.000Z'
    t.same(times(`,"originalTimestamp":"${original}"`), [original, original])
  }
})

t.test("digits after milliseconds in a client's time stay when the time is corrected", async t => {
  const sentAt = '"sentAt":"2026-11-23T14:00:00.000999Z"'
  const corrected = (spelled: string): unknown => {
    const line = encode(`{"userId":"u","event":"e","messageId":"m","timestamp":"${spelled}",${sentAt}}`)
    return (JSON.parse(line) as Json)['timestamp']
  }
  const many = '9'.repeat(5_000)
  for (const [spelled, expected] of [
    ['2026-11-23T13:59:50Z', '2026-11-23T11:59:50.000Z'],
    ['2026-11-23T13:59:50.1Z', '2026-11-23T11:59:50.100Z'],
    ['2026-11-23T13:59:50.12+00:00', '2026-11-23T11:59:50.120Z'],
    ['2026-11-23T13:59:50.123Z', '2026-11-23T11:59:50.123Z'],
    ['2026-11-23T13:59:50.1230Z', '2026-11-23T11:59:50.1230Z'],
    ['2026-11-23T13:59:50.123456789Z', '2026-11-23T11:59:50.123456789Z'],
    ['2026-11-23 19:29:50.1234567+0530', '2026-11-23T11:59:50.1234567Z'],
    ['2026-11-23T13:59:50.12\\u00334567Z', '2026-11-23T11:59:50.1234567Z'],
    ['\\u0032026-11-23T13:59:50Z', '2026-11-23T11:59:50.000Z'],
    [`2026-11-23T13:59:50.123${many}Z`, `2026-11-23T11:59:50.123${many}Z`]
  ] as const) {
    t.equal(corrected(spelled), expected, spelled.slice(0, 40))
  }
})

t.test('events that differ below a millisecond keep their order when their times are corrected', async t => {
  const digits = fc.stringMatching(/^\d{1,12}$/)
  fc.assert(
    fc.property(digits, digits, (a, b) => {
      const [first, second] = [a, b].map(fraction => {
        const times = `"timestamp":"2026-11-23T13:59:50.${fraction}Z","sentAt":"2026-11-23T14:00:00.000Z"`
        const line = encode(`{"userId":"u","event":"e","messageId":"m",${times}}`)
        return String((JSON.parse(line) as Json)['timestamp'])
      }) as [string, string]
      const order = (x: string, y: string): number => Math.sign(Number(`0.${x}`) - Number(`0.${y}`))
      return order(a, b) === order(fractionOf(first), fractionOf(second))
    })
  )
  t.pass()
})

const fractionOf = (time: string): string => /\.(\d+)Z$/.exec(time)?.[1] ?? ''

t.test(
  'context.ip is set for libraries on the user’s device and for context.direct, and never replaces a value',
  async t => {
    const rows: [context: string, envelope: string, address: string, ip: unknown][] = [
      ['{"library":{"name":"analytics.js"}}', '', '198.51.100.7', '198.51.100.7'],
      ['{"library":{"name":"analytics.js"}}', '', '::ffff:198.51.100.7', '198.51.100.7'],
      ['{"library":{"name":"analytics.js"}}', '', '2001:db8::1', undefined],
      ['{"library":{"name":"analytics.js"},"ip":"0.0.0.0"}', '', '198.51.100.7', '0.0.0.0'],
      ['{"library":{"name":"analytics.js"},"ip":null}', '', '198.51.100.7', '198.51.100.7'],
      ['{"library":{"name":"analytics-python"}}', '', '198.51.100.7', undefined],
      ['{"direct":true}', '', '198.51.100.7', '198.51.100.7'],
      ['{"direct":"true"}', '', '198.51.100.7', undefined],
      ['{"direct":true ,"page":{"url":"/a"} }', '', '198.51.100.7', '198.51.100.7'],
      ['{\n  "direct": true,\n  "page": {}\n}', '', '198.51.100.7', '198.51.100.7'],
      ['{}', ',"context":{"library":{"name":"analytics-kotlin"}}', '198.51.100.7', '198.51.100.7'],
      ['{}', ',"context":{"library":{"name":"analytics-kotlin"},"ip":"203.0.113.1"}', '198.51.100.7', '203.0.113.1'],
      ['null', '', '198.51.100.7', undefined]
    ]
    for (const [context, envelope, address, ip] of rows) {
      const text = `{"batch":[{"type":"track","context":${context},"userId":"u","event":"e"}]${envelope}}`
      const line = encode(text, { endpoint: 'batch', address })
      const written = (JSON.parse(line) as Json)['context'] as Json | null
      t.equal(written?.['ip'], ip, `${context} ${envelope} ${address} gives the expected address`)
      const { ip: _, ...rest } = (JSON.parse(context) ?? {}) as Json
      t.match(written ?? {}, rest, 'all other members are kept')
      t.equal(line.indexOf('\n'), line.length - 1, 'the record is one line')
    }
  }
)

/** The expected record, computed in a slow and simple way. */
function model(event: Json, envelope: Json, type: EventType): Json {
  const merged = (key: string): Json | undefined => {
    const own = event[key]
    const shared = envelope[key]
    if (shared === undefined) return own as Json
    return { ...(shared as Json), ...(own as Json | undefined) }
  }
  const record: Json = { ...event, context: merged('context'), integrations: merged('integrations') }
  for (const key of ['context', 'integrations']) if (record[key] === undefined) delete record[key]
  delete record['writeKey']
  return { ...record, type, receivedAt: RECEIVED_AT_TEXT, timestamp: RECEIVED_AT_TEXT, projectId: 'web', version: 2 }
}

t.test('a record equals the slow and simple merge of event, batch and server fields', async t => {
  const object = fc.dictionary(
    fc.constantFrom('a', 'b', 'page', 'ip', 'library', '"q"', 'ü'),
    fc.jsonValue({ maxDepth: 2 }),
    { maxKeys: 4 }
  )
  const keys = fc.constantFrom('properties', 'traits', 'extra', 'writeKey', 'version', 'projectId', 'receivedAt', 'é"')
  const event = fc
    .tuple(
      fc.dictionary(keys, fc.jsonValue({ maxDepth: 2 })),
      fc.record({ context: object, integrations: object, type: fc.constant('track') }, { requiredKeys: [] })
    )
    .map(([rest, known]): Json => ({ ...rest, ...known, messageId: 'm' }))
  const envelope = fc.record({ context: object, integrations: object }, { requiredKeys: [] }) as fc.Arbitrary<Json>
  fc.assert(
    fc.property(event, envelope, fc.constantFrom(0, 2), (event, envelope, indent) => {
      const line = encode(JSON.stringify({ batch: [event], ...envelope }, null, indent), {
        endpoint: 'batch',
        address: '::1'
      })
      // __proto__ and undefined never occur here, and the model's stringify writes -0 as 0.
      return (
        line.indexOf('\n') === line.length - 1 &&
        t.same(JSON.parse(line), JSON.parse(JSON.stringify(model(event, envelope, 'track'))))
      )
    }),
    { numRuns: 500 }
  )
})

t.test('a rejected record contains the event as received, without the write key, and the SDK that sent it', async t => {
  const body = parse(
    '{"batch":[{"type":"track","writeKey":"wk_1","n":1.10,"context":{"library":{"name":"x","version":"2"}}}]}',
    'batch'
  )
  const good = goodEvent(body, 0, 'track')
  const writer = new LineWriter(16)
  const why = fault('no_user_anon_id', '/userId')
  const bad = { index: 0, scan: good.scan, value: good.value(), type: good.type, fault: why }
  encodeRejected(writer, bad, facts(body), 'wk_1')
  const line = written(writer)
  t.ok(line.startsWith('{"event":{"type":"track","n":1.10,"context":'))
  const { event, ...rest } = JSON.parse(line) as Json
  t.ok(event)
  t.same(rest, {
    source: 'web',
    type: 'track',
    path: '/v1/batch',
    code: 'no_user_anon_id',
    pointer: '/userId',
    message: 'userId or anonymousId must be a non-empty string',
    receivedAt: RECEIVED_AT_TEXT,
    library: { name: 'x', version: '2' }
  })
})

t.test('a refused event that is not JSON is stored as text, without the write key', async t => {
  const body = parse('{"batch":[{"type":"track","x":NaN,"writeKey":"wk_1"}]}', 'batch')
  const writer = new LineWriter(16)
  const scan = body.events[0] as Scan
  encodeRejected(
    writer,
    { index: 0, scan, value: undefined, type: 'unknown', fault: fault('invalid_json') },
    facts(body),
    'wk_1'
  )
  const record = JSON.parse(written(writer)) as Json
  t.equal(record['event'], '{"type":"track","x":NaN,"writeKey":"[write key]"}')
  t.same(record['library'], { name: null, version: null })
})
