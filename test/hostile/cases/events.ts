import { EVENT_TYPES } from '../../../src/model/event-types.ts'
import type { HostileCase } from './case.ts'
import { request } from './case.ts'

/** Values that are invalid in every field, except where a field below says otherwise. */
const VALUES: readonly (readonly [name: string, json: string])[] = [
  ['a number', '5'],
  ['a number beyond every double', '1e400'],
  ['a boolean', 'true'],
  ['an array', '["x"]'],
  ['an object', '{"length":1,"toString":"x"}'],
  ['a string of 20,000 digits', `"${'9'.repeat(20_000)}"`],
  ['lone surrogates', '"\\ud800\\udfff\\ud800"'],
  ['control characters', '"\\u0000\\u001b[31m\\r\\n"']
]

/** The field, and which of the values above are valid in it. */
const FIELDS: readonly (readonly [field: string, taken: readonly string[], code: string])[] = [
  ['userId', ['a string of 20,000 digits', 'lone surrogates', 'control characters'], 'id_not_string'],
  ['anonymousId', ['a string of 20,000 digits', 'lone surrogates', 'control characters'], 'id_not_string'],
  ['event', ['a string of 20,000 digits', 'lone surrogates', 'control characters'], 'event_not_string'],
  ['properties', ['an object'], 'properties_not_object'],
  ['context', ['an object'], 'context_not_object'],
  ['timestamp', [], 'timestamp_invalid'],
  ['messageId', ['lone surrogates', 'control characters'], 'message_id_invalid']
]

/** Strings that make a bad pattern slow, each in a field whose format is checked. */
const BUSY: readonly (readonly [what: string, field: string, value: string])[] = [
  ['a date of 30,000 digits', 'timestamp', '2'.repeat(30_000)],
  ['a very long fraction', 'timestamp', `2026-01-01T00:00:00.${'0'.repeat(30_000)}`],
  ['a very long offset', 'timestamp', `2026-01-01T00:00:00+${'0'.repeat(30_000)}`],
  ['30,000 colons', 'timestamp', `2026-01-01T${':'.repeat(30_000)}`],
  ['the 30th of February', 'timestamp', '2026-02-30T00:00:00Z'],
  ['a leap second', 'timestamp', '2026-12-31T23:59:60Z'],
  ['the year 10000', 'timestamp', '+010000-01-01T00:00:00Z'],
  ['a local time', 'timestamp', '2026-01-01T00:00:00'],
  ['milliseconds since the epoch', 'timestamp', '1767225600000'],
  ['a script', 'timestamp', '<script>2026-01-01T00:00:00Z</script>']
]

const DEEP_CONTEXT: readonly (readonly [what: string, context: string, gives: number])[] = [
  ['a page.url of 20,000 percent signs', `{"page":{"url":"http://${'%'.repeat(20_000)}"}}`, 200],
  ['a page.url of nested brackets', `{"page":{"url":"http://${'[:'.repeat(10_000)}"}}`, 200],
  ['an ip that is a list', '{"ip":["127.0.0.1"]}', 400],
  ['an ip that is markup', '{"ip":"\\"><script>"}', 200],
  ['a userAgent of 30,000 brackets', `{"userAgent":"${'('.repeat(30_000)}"}`, 200],
  ['a library that is a number', '{"library":5}', 400],
  ['a library name that is an object', '{"library":{"name":{"toString":1}}}', 400]
]

export const eventCases: readonly HostileCase[] = [
  ...FIELDS.flatMap(([field, taken, code]) =>
    VALUES.map(([name, json]): HostileCase => {
      const isTaken = taken.includes(name)
      const base: Record<string, unknown> = { userId: 'u', event: 'e' }
      delete base[field]
      const body = `{${JSON.stringify(base).slice(1, -1)},"${field}":${json}}`
      const own = { steps: [request({ body })], what: `${field} is ${name}` }
      return isTaken ? { ...own, gives: [200] } : { ...own, gives: [400], code }
    })
  ),
  ...BUSY.map(([what, field, value]): HostileCase => {
    const event = { type: 'track', userId: 'u', event: 'e', [field]: value }
    return {
      what: `${field} is ${what}`,
      path: '/v1/batch',
      steps: [request({ path: '/v1/batch', body: JSON.stringify({ batch: [event] }) })],
      gives: [400]
    }
  }),
  ...DEEP_CONTEXT.map(([what, context, gives]): HostileCase => ({
    what: `context: ${what}`,
    steps: [request({ body: `{"userId":"u","event":"e","context":${context}}` })],
    gives: [gives]
  })),
  ...['Track', 'TRACK', '', 'constructor', '__proto__', 'x'.repeat(20_000), 'track\\u0000', ' track'].map(
    (type): HostileCase => ({
      what: `type ${JSON.stringify(type.slice(0, 20))}`,
      path: '/v1/batch',
      steps: [request({ path: '/v1/batch', body: `{"batch":[{"type":"${type}","userId":"u","event":"e"}]}` })],
      gives: [400]
    })
  ),
  ...EVENT_TYPES.map((type): HostileCase => ({
    what: `${type} without any member`,
    path: `/v1/${type}`,
    steps: [request({ path: `/v1/${type}`, body: '{}' })],
    gives: [400]
  }))
]
