import fc from 'fast-check'

/** Few values for each field, so that events of a run are often equal except in one field, or in its kind. */
export const FIELDS: Record<string, readonly string[]> = {
  type: ['"track"', '"track"', '"page"', '"identify"', '"nothing"', '5', '"tr\\u0061ck"'],
  messageId: [
    '"01234567-89ab-cdef-0123-456789abcdef"',
    '"m"',
    ...['""', '" "', '"\\t"', '"\u00a0"', '"\u200b "', '"\\u200b"', '"\u200bx"'],
    'null',
    '"é"',
    '"\\u00e9"',
    `"${'x'.repeat(100)}"`,
    `"${'x'.repeat(101)}"`,
    '7'
  ],
  userId: ['"u"', '"user-2"', '""', 'null', '7', '"a\\"b"', '[]'],
  anonymousId: ['"a"', '""', 'null', '7'],
  groupId: ['"g"', '""', 'null', '7'],
  previousId: ['"p"', 'null', '7'],
  event: ['"Order Completed"', '"e"', '"\\u0065"', '""', 'null', '5'],
  name: ['"n"', '""', 'null', '5'],
  category: ['"c"', 'null', '5'],
  properties: [
    '{}',
    '{"a":1}',
    '{"url":5}',
    '{"url":"x"}',
    '{"url":"yz"}',
    '{ "url" :""}',
    'null',
    '[]',
    '[ ]',
    '[1]',
    '"x"'
  ],
  traits: ['{}', '{"email":"x"}', '{"email":5}', '{"branches":[{"email":5}]}', 'null', '[]'],
  context: [
    ...['{"library":{"name":"analytics.js"}}', '{"library":{"name":"other"}}', '{"ip":"1.2.3.4"}', '{"ip":5}'],
    ...['{"page":{"url":5}}', '{"direct":true}', '{}', '[]', 'null', '5', '{\n"locale": "de"}'],
    ...['{"library":{"name":"analytics.js"},"page":{"url":"/a"}}', '{"library":{"name":"other"},"page":{"url":"/b"}}'],
    ...[
      '{"library":{"name":"analytics.js"},"page":{"url":""}}',
      '{"library":{"name":"analytics.js"},"page":{"url":1}}'
    ],
    ...['{"library":{"name":"analytics.js"},"ip":"1.2.3.4"}', '{"library":{"name":"analytics.js"},"ip":null}'],
    ...['{"library":{"name":"analytics.js"},"ip":""}', '{"librar\\u0079":{"name":"analytics.js"},"locale":"en"}'],
    ...['{"librar\\u0079":{"name":"other.js"},"locale":"en"}', '{"library":"analytics.js"}', '{"direct":false}'],
    ...['{"location":{"latitude":1.5}}', '{"location":{"latitude":-7}}', '{"location":{"latitude":"x"}}'],
    ...['{"screen":{"width":1}}', '{"screen":{"width":1.0}}', '{"screen":{"width":1.5}}', '{"screen":{"width":1e3}}'],
    ...['{"a":[1,"x",null,true]}', '{"a":[2,"y",null,false]}', '{"ip":"1.2.3.4","ip":null,"direct":true}']
  ],
  integrations: ['{}', '{"All":false}', '{"All":"x"}', 'null', '[]'],
  timestamp: [
    ...['"2026-11-23T06:49:24.499Z"', '"2026-11-23T06:49:25Z"', '"2026-02-30T06:49:25Z"', '"2026-11-23"'],
    ...['"2026-11-23T06:49:2\\u0035Z"', 'null', '5', '""', '"2026-11-23T06:49:24.4990001+01:00"'],
    ...['"0001-01-01T00:00:00Z"', '"000\\u0031-01-01T00:00:00Z"', '"0000-12-31T23:00:00-01:00"']
  ],
  originalTimestamp: ['"2026-11-23T06:49:20.000Z"', '"0001-01-01T00:00:00Z"', 'null', '"x"'],
  sentAt: [
    ...['"2026-11-23T06:49:30.000Z"', '"0001-01-01T00:00:00Z"', '"0001-01-01T01:00:00.0000000+01:00"', 'null', '"x"'],
    ...['"\\u0030001-01-01T00:00:00Z"', '"0009-01-01T00:00:00Z"']
  ],
  receivedAt: ['"x"', '5'],
  version: ['2', '"x"'],
  writeKey: ['"wk"'],
  _metadata: ['{}', '{"nodeVersion":"24"}'],
  own: ['1', '2', '{"__proto__":1}']
}

/** A key with one of its values, as JSON. */
export const member = fc
  .constantFrom(...Object.keys(FIELDS))
  .chain(key => fc.constantFrom(...(FIELDS[key] as string[])).map(value => [key, value] as const))
