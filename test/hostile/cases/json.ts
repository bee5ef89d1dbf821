import type { HostileCase } from './case.ts'
import { EVENT, request } from './case.ts'

/** Values of `properties.a` that are not JSON. The event is refused with `invalid_json`. */
const BROKEN_VALUES: readonly string[] = [
  '',
  'NaN',
  'nan',
  'Infinity',
  '-Infinity',
  '-',
  '+1',
  '01',
  '-01',
  '1.',
  '.5',
  '1.e5',
  '1e',
  '1e+',
  '0x1F',
  '1_000',
  '1,000',
  '1n',
  '0b1',
  '--1',
  '1.2.3',
  '1e5e5',
  '\xc2\xa01',
  'True',
  'nul',
  'nulll',
  'undefined',
  'truefalse',
  "'text'",
  '`text`',
  '"unended',
  '"\\x41"',
  '"\\u12"',
  '"\\u{1f600}"',
  '"\\uD83D\\u"',
  '"\\"',
  '"\\a"',
  '"\t"',
  '"\n"',
  '"\0"',
  '"\x1f"',
  '[1,]',
  '[,1]',
  '[1 2]',
  '[1,,2]',
  '[1',
  '1]',
  '{"b":1,}',
  '{,}',
  '{"b"}',
  '{"b":}',
  '{"b":1 "c":2}',
  '{b:1}',
  '{1:1}',
  '{"b":1}}',
  '{"b"::1}',
  '[}',
  '{]',
  '/* */1',
  '1//x',
  '#1',
  '<a/>',
  '\\u0031',
  '1;2',
  '"a" "b"',
  '"a"+"b"',
  '(1)',
  'new Date()',
  '\f1',
  '\x0b1'
]

/** Unusual and valid JSON (RFC 8259). The event is accepted. */
const ODD_VALUES: readonly string[] = [
  '-0',
  '-0.0',
  '0e999999',
  '1e400',
  '-1e400',
  '1e-400',
  '1E+2',
  '9007199254740993',
  '123456789012345678901234567890',
  `1${'0'.repeat(5_000)}`,
  `0.${'3'.repeat(5_000)}`,
  '1e99999999999999999999',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\ud83d\\ude00"',
  '"\\u0000"',
  '"\\u2028\\u2029"',
  '"\\/"',
  '"\x7f"',
  '""',
  '{}',
  '[]',
  '[[]]',
  '{"":1}',
  '{"b":1,"b":2}',
  '{"a.b":1,"$c":2," ":3}',
  '" \\t "',
  ' \t\r\n 1 \t\r\n ',
  `"${'a'.repeat(30_000)}"`,
  `{"${'k'.repeat(30_000)}":1}`,
  `{${Array.from({ length: 3_000 }, (_, i) => `"${i}":0`).join(',')}}`,
  `[${'0,'.repeat(15_000)}0]`,
  `${'['.repeat(62)}${']'.repeat(62)}`,
  '{"toString":1,"valueOf":2,"hasOwnProperty":3,"length":-1,"then":4}',
  '{"constructor":1,"prototype":2}',
  '{"$ref":"#/components/schemas/TrackCall","$schema":"x"}',
  '"<script>alert(1)</script>"',
  '"=cmd|calc"',
  '"${jndi:ldap://127.0.0.1/a}"',
  '"{{7*7}}"'
]

/** Whole bodies that are refused, and why. */
const BODIES: readonly (readonly [what: string, body: string | Buffer, code: string])[] = [
  ['only a brace', '{', 'invalid_json'],
  ['100,000 open brackets', `{"a":${'['.repeat(32_000)}`, 'invalid_json'],
  ['two byte order marks', `\xef\xbb\xbf\xef\xbb\xbf${EVENT}`, 'invalid_json'],
  ['a byte order mark of UTF-16', `\xff\xfe${EVENT}`, 'invalid_utf8'],
  ['a byte order mark after the body', `${EVENT}\xef\xbb\xbf`, 'invalid_json'],
  ['UTF-32', Buffer.concat([...Buffer.from(EVENT)].map(byte => Buffer.of(byte, 0, 0, 0))), 'invalid_json'],
  ['UTF-7', '+AHsAfQ-', 'invalid_json'],
  ['a text of five bytes in UTF-8', `{"userId":"\xf8\x88\x80\x80\x80"}`, 'invalid_utf8'],
  ['beyond the last code point', `{"userId":"\xf4\x90\x80\x80"}`, 'invalid_utf8'],
  ['only a continuation byte', `{"userId":"\x80"}`, 'invalid_utf8'],
  ['a NUL in four bytes', `{"userId":"\xf0\x80\x80\x80"}`, 'invalid_utf8'],
  ['CESU-8', `{"userId":"\xed\xa0\xbd\xed\xb8\x80"}`, 'invalid_utf8'],
  ['a NUL after the body', `${EVENT}\0`, 'invalid_json'],
  ['two bodies', `${EVENT},${EVENT}`, 'invalid_json'],
  ['a function call', `callback(${EVENT})`, 'invalid_json'],
  ['a guard against inclusion', `)]}',\n${EVENT}`, 'invalid_json'],
  ['XML', '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]><x>&y;</x>', 'invalid_json'],
  ['YAML', 'userId: u\nevent: e\n', 'invalid_json'],
  ['MessagePack', Buffer.from('82a6757365724964a175', 'hex'), 'invalid_utf8'],
  ['CBOR', Buffer.from('a1667573657249646175', 'hex'), 'invalid_utf8'],
  ['multipart', '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n', 'invalid_json'],
  ['an event in a string', JSON.stringify(EVENT), 'invalid_json'],
  ['true', 'true', 'invalid_json'],
  ['-0', '-0', 'invalid_json'],
  ['65 levels', `{"userId":"u","event":"e","properties":${'{"a":'.repeat(63)}{}${'}'.repeat(64)}`, 'too_deep'],
  [
    '16,000 levels of arrays',
    `{"userId":"u","event":"e","properties":{"a":${'['.repeat(16_000)}${']'.repeat(16_000)}}}`,
    'too_deep'
  ],
  [
    '5,000 levels of objects',
    `{"userId":"u","event":"e","properties":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`,
    'too_deep'
  ],
  [
    'a key twice among 2,000',
    `{${Array.from({ length: 2_000 }, (_, i) => `"k${i}":0`).join(',')},"k0":1,${EVENT.slice(1)}`,
    'duplicate_key'
  ],
  ['an empty key twice', `{"":1,"":2,${EVENT.slice(1)}`, 'duplicate_key'],
  ['a key twice as two spellings of one character', `{"\\u00e9":1,"\xc3\xa9":2,${EVENT.slice(1)}`, 'duplicate_key'],
  [
    '2,500 keys of __proto__ inside',
    `{${EVENT.slice(1, -1)},"properties":{${Array.from({ length: 2_000 }, () => '"__proto__":0').join(',')}}}`,
    'forbidden_key'
  ],
  ['__proto__ among traits in an array', `{${EVENT.slice(1, -1)},"x":[[[{"__proto__":null}]]]}`, 'forbidden_key'],
  [
    'constructor.prototype with escapes',
    `{${EVENT.slice(1, -1)},"x":{"c\\u006fnstructor":{"pr\\u006ftotype":1}}}`,
    'forbidden_key'
  ]
]

const HUGE = 100_000

/** Batches: a fault of one event costs only that event. */
const BATCHES: readonly (readonly [what: string, body: string, gives: number, code: string | undefined])[] = [
  [
    '100,000 levels beside a valid event',
    `{"batch":[{"type":"track",${EVENT.slice(1)},${'['.repeat(HUGE)}${']'.repeat(HUGE)}]}`,
    200,
    undefined
  ],
  [
    '100,000 levels in the envelope',
    `{"x":${'['.repeat(HUGE)}${']'.repeat(HUGE)},"batch":[{"type":"track",${EVENT.slice(1)}]}`,
    200,
    undefined
  ],
  [
    '80,000 levels of objects in the context',
    `{"context":${'{"a":'.repeat(80_000)}1${'}'.repeat(80_000)},"batch":[{"type":"track",${EVENT.slice(1)}]}`,
    400,
    undefined
  ],
  ['100,000 levels that do not close', `{"batch":[${'['.repeat(HUGE)}]}`, 400, 'invalid_json'],
  [
    '100,000 levels as sentAt',
    `{"sentAt":${'['.repeat(HUGE)}${']'.repeat(HUGE)},"batch":[{"type":"track",${EVENT.slice(1)}]}`,
    200,
    undefined
  ],
  [
    '45,000 keys in the envelope',
    `{${Array.from({ length: 45_000 }, (_, i) => `"${i}":0,`).join('')}"batch":[{"type":"track",${EVENT.slice(1)}]}`,
    200,
    undefined
  ],
  [
    '45,000 keys in the context',
    `{"context":{${Array.from({ length: 45_000 }, (_, i) => `"${i}":0`).join(',')}},"batch":[{"type":"track",${EVENT.slice(1)}]}`,
    400,
    undefined
  ],
  [
    '3,000 keys in the context',
    `{"context":{${Array.from({ length: 3_000 }, (_, i) => `"${i}":0`).join(',')}},"batch":[{"type":"track",${EVENT.slice(1)}]}`,
    200,
    undefined
  ],
  [
    '30,000 keys with escapes in the envelope',
    `{${Array.from({ length: 30_000 }, (_, i) => `"\\u0062${i}":0,`).join('')}"batch":[{"type":"track",${EVENT.slice(1)}]}`,
    200,
    undefined
  ],
  ['250,000 numbers', `{"batch":[${'0,'.repeat(250_000)}0]}`, 400, 'too_many_events'],
  ['2,500 numbers', `{"batch":[${'0,'.repeat(2_499)}0]}`, 400, undefined],
  ['2,500 empty objects', `{"batch":[${'{},'.repeat(2_499)}{}]}`, 400, undefined],
  ['2,500 broken events', `{"batch":[${'{"a":NaN},'.repeat(2_499)}0]}`, 400, undefined],
  ['a batch in a batch', `{"batch":[{"batch":[{"type":"track",${EVENT.slice(1)}]}]}`, 400, undefined],
  ['a key of 400 KB', `{"${'k'.repeat(400_000)}":1,"batch":[{"type":"track",${EVENT.slice(1)}]}`, 200, undefined],
  [
    'a key of 400 KB of escapes',
    `{"${'\\u0061'.repeat(66_000)}":1,"batch":[{"type":"track",${EVENT.slice(1)}]}`,
    200,
    undefined
  ],
  [
    'an unknown key 50,000 times',
    `{${'"a":1,'.repeat(50_000)}"batch":[{"type":"track",${EVENT.slice(1)}]}`,
    200,
    undefined
  ],
  [
    'sentAt 40,000 times',
    `{${'"sentAt":1,'.repeat(40_000)}"batch":[{"type":"track",${EVENT.slice(1)}]}`,
    400,
    'duplicate_key'
  ],
  [
    '100 batches of 2,500 numbers',
    `{"batch":[]${`,"batch":[${'0,'.repeat(2_499)}0]`.repeat(100)}}`,
    400,
    'duplicate_key'
  ],
  ['400 KB of blanks', `{"batch":[${' '.repeat(400_000)}{"type":"track",${EVENT.slice(1)}]}`, 200, undefined],
  ['250,000 line breaks', `{"batch":[${'\r\n'.repeat(200_000)}{"type":"track",${EVENT.slice(1)}]}`, 200, undefined],
  [
    '__proto__ in the envelope',
    `{"__proto__":{"batch":[]},"batch":[{"type":"track",${EVENT.slice(1)}]}`,
    200,
    undefined
  ],
  [
    '__proto__ in the context',
    `{"context":{"__proto__":{"admin":true}},"batch":[{"type":"track",${EVENT.slice(1)}]}`,
    400,
    undefined
  ],
  ['a sentAt of 1e400', `{"sentAt":1e400,"batch":[{"type":"track",${EVENT.slice(1)}]}`, 200, undefined]
]

export const jsonCases: readonly HostileCase[] = [
  ...BROKEN_VALUES.map((value): HostileCase => ({
    what: `invalid JSON: ${JSON.stringify(value)}`,
    steps: [request({ body: Buffer.from(`{"userId":"u","event":"e","properties":{"a":${value}}}`, 'latin1') })],
    gives: [400],
    code: 'invalid_json'
  })),
  ...ODD_VALUES.map((value): HostileCase => ({
    what: `unusual JSON: ${JSON.stringify(value.slice(0, 50))}`,
    steps: [request({ body: Buffer.from(`{"userId":"u","event":"e","properties":{"a":${value}}}`, 'latin1') })],
    gives: [200]
  })),
  ...BODIES.map(([what, body, code]): HostileCase => ({
    what: `a body: ${what}`,
    steps: [request({ body: typeof body === 'string' ? Buffer.from(body, 'latin1') : body })],
    gives: [400],
    code
  })),
  ...BATCHES.map(([what, body, gives, code]): HostileCase => {
    const found = code === undefined ? {} : { code }
    return {
      what: `a batch: ${what}`,
      path: '/v1/batch',
      steps: [request({ path: '/v1/batch', body })],
      gives: [gives],
      ...found
    }
  })
]
