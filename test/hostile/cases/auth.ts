import type { HostileCase } from './case.ts'
import { EVENT, request } from './case.ts'

const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64')

/** Authorization headers that identify no source, or a source that may not send. */
const UNKNOWN: readonly string[] = [
  'Basic',
  'Basic ',
  'Basic =',
  'Basic ====',
  'Basic \t',
  'Basic Basic',
  'Basic wk_test:',
  `Basic ${base64('wk_test:')} x`,
  `Basic ${base64('wk_test:')},Basic ${base64('wk_test:')}`,
  `Basic ${base64(':')}`,
  `Basic ${base64(':wk_test')}`,
  `Basic ${base64('\0')}`,
  `Basic ${base64('wk_test\0:')}`,
  `Basic ${base64(' wk_test:')}`,
  `Basic ${base64('wk_test :')}`,
  `Basic ${base64('WK_TEST:')}`,
  `Basic ${base64('wk_test\r\nx: y:')}`,
  `Basic ${base64('wk_tes:')}`,
  `Basic ${base64('wk_test1:')}`,
  `Basic ${base64('*:')}`,
  `Basic ${base64('%:')}`,
  `Basic ${base64("' OR 1=1 --:")}`,
  `Basic ${base64('../../tributary.yml:')}`,
  `Basic ${base64('${jndi:ldap://127.0.0.1/a}')}`,
  `Basic ${base64('constructor:')}`,
  `Basic ${base64('toString:')}`,
  `Basic ${base64('__proto__:')}`,
  `Basic ${base64('hasOwnProperty:')}`,
  `Basic ${base64('undefined:')}`,
  `Basic ${base64('null:')}`,
  `Basic ${base64('[object Object]:')}`,
  `Basic ${base64('\u{1f600}:')}`,
  `Basic ${base64(Buffer.of(0xff, 0xfe, 0x3a))}`,
  `Basic ${base64('x'.repeat(20_000))}`,
  `Basic ${'A'.repeat(20_000)}`,
  `Basic ${'='.repeat(20_000)}`,
  'Basic \xff\xfe',
  'Bearer token',
  'Bearer wk_test:',
  `Bearer ${base64('wk_test:')}`,
  `Bearer ${'x'.repeat(20_000)}`,
  `Basic ${base64('wk_test:').slice(1)}`
]

/** Another scheme, or none. The key could be in the body, and is not. */
const MISSING: readonly string[] = [
  '',
  ' ',
  'Bearer',
  'Digest username="wk_test"',
  'Negotiate YII=',
  'wk_test',
  base64('wk_test:'),
  'Basicx d2tfdGVzdDo=',
  'Basic_ d2tfdGVzdDo=',
  'x'.repeat(20_000)
]

/** Values of `writeKey` in a body that are not strings, and are therefore no keys. */
const IN_BODY: readonly (readonly [value: string, code: string])[] = [
  ['1', 'write_key_missing'],
  ['null', 'write_key_missing'],
  ['true', 'write_key_missing'],
  ['["wk_test"]', 'write_key_missing'],
  ['{"toString":"wk_test"}', 'write_key_missing'],
  ['1e400', 'write_key_missing'],
  ['"wk_test\\u0000"', 'write_key_unknown'],
  ['"\\ud800"', 'write_key_unknown'],
  ['"__proto__"', 'write_key_unknown'],
  [`"${'k'.repeat(30_000)}"`, 'write_key_unknown'],
  ['"\\u0077k_off"', 'source_disabled']
]

const IN_QUERY: readonly (readonly [query: string, code: string])[] = [
  ['writeKey=a&writeKey=wk_test', 'write_key_repeated'],
  ['writeKey=a&'.repeat(1_400), 'write_key_repeated'],
  ['writeKey[]=wk_test', 'write_key_missing'],
  ['writekey=wk_test', 'write_key_missing'],
  ['writeKey=%00', 'write_key_unknown'],
  ['writeKey=%FF%FE', 'write_key_unknown'],
  ['writeKey=%', 'write_key_unknown'],
  ['writeKey=wk_test%0d%0ax:y', 'write_key_unknown'],
  [`writeKey=${'k'.repeat(10_000)}`, 'write_key_unknown'],
  ['__proto__[writeKey]=wk_test', 'write_key_missing'],
  ['a&'.repeat(5_000), 'write_key_missing'],
  ['=&'.repeat(5_000), 'write_key_missing'],
  ['%'.repeat(9_000), 'write_key_missing']
]

export const authCases: readonly HostileCase[] = [
  ...UNKNOWN.map((value, i): HostileCase => ({
    what: `Authorization without a known source (${i}): ${JSON.stringify(value.slice(0, 40))}`,
    steps: [request({ head: `authorization: ${value}\r\n` })],
    gives: [401],
    code: 'write_key_unknown'
  })),
  ...MISSING.map((value): HostileCase => ({
    what: `Authorization with an unknown scheme: ${JSON.stringify(value.slice(0, 40))}`,
    steps: [request({ head: `authorization: ${value}\r\n` })],
    gives: [401],
    code: 'write_key_missing'
  })),
  ...IN_BODY.flatMap(([value, code]): HostileCase[] => [
    {
      what: `writeKey in an event: ${value.slice(0, 40)}`,
      steps: [request({ head: '', body: `{"userId":"u","event":"e","writeKey":${value}}` })],
      gives: [401],
      code
    },
    {
      what: `writeKey in a batch: ${value.slice(0, 40)}`,
      steps: [request({ path: '/v1/batch', head: '', body: `{"writeKey":${value},"batch":[${EVENT}]}` })],
      path: '/v1/batch',
      gives: [401],
      code
    }
  ]),
  ...IN_QUERY.map(([query, code]): HostileCase => {
    const path = `/v1/track?${query}`
    return { what: `query: ${query.slice(0, 40)}`, steps: [request({ path, head: '' })], path, gives: [401], code }
  }),
  {
    what: 'two Authorization headers, the second valid: the first counts',
    steps: [
      request({ head: `authorization: Basic ${base64('nobody:')}\r\nauthorization: Basic ${base64('wk_test:')}\r\n` })
    ],
    gives: [401],
    code: 'write_key_unknown'
  },
  {
    what: 'a valid key among 25 KB of other headers',
    steps: [request({ head: `x: ${'x'.repeat(25_000)}\r\nauthorization: Basic ${base64('wk_test:')}\r\n` })],
    gives: [200]
  },
  {
    what: 'a key of 40 KB',
    steps: [request({ head: `authorization: Basic ${base64('k'.repeat(30_000))}\r\n` })],
    gives: [431],
    code: 'headers_too_large'
  }
]
