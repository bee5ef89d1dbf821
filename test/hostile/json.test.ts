/** JSON is stored byte for byte or refused, as the table in docs/hostile-input.md says, and always in a short time. */
import t from 'tap'
import { startApp } from '../support/app.ts'
import { ask } from '../support/http.ts'

/** Values that parsers read differently, or that JSON.parse would change: they are stored as received. */
const KEPT: Readonly<Record<string, string>> = {
  'minus zero': '-0',
  'minus zero with a fraction': '-0.0',
  'a number above the range of a double': '1e400',
  'a number below the range of a double': '-1e400',
  'a number that a double rounds to zero': '1e-400',
  'a huge integer': '123456789012345678901234567890',
  'an integer beyond 2^53': '9007199254740993',
  'more digits than a double has': '0.1000000000000000055511151231257827',
  'trailing zeros': '1.10',
  'an exponent in capitals': '1E+2',
  'a number of 5,000 digits': '7'.repeat(5_000),
  'a lone high surrogate': '"\\ud800"',
  'a lone low surrogate': '"\\udfff"',
  'surrogates in the wrong order': '"\\udc00\\ud800"',
  'an escaped NUL': '"\\u0000"',
  'unnecessary escapes': '"\\u0041\\/\\u00e9"',
  'line separators': '"\u2028\u2029"',
  'a byte order mark inside': '"\ufeff"',
  'a character beyond the first plane': '"\u{1f600}"',
  'a noncharacter': '"\uffff"',
  'a key twice below the top level': '{"a":1,"a":2}',
  'an empty key': '{"":1}',
  'names of properties of every object': '{"toString":1,"constructor":1,"prototype":{},"length":-1}',
  'keys that look like numbers, in their order': '{"2":0,"1":0,"-1":0,"1e3":0}',
  'blanks between tokens': '{ "a" :\t[ 1 , 2 ] }',
  'null, empty and nested': '[null,[],{},[[]],""]'
}

t.test('numbers, strings and keys are published with the bytes that were received', async t => {
  const { url, sink } = await startApp(t)
  for (const [what, json] of Object.entries(KEPT)) {
    const single = `{"userId":"u","event":"e","properties":{"a":${json}},"extra":${json},"context":{"b":${json},"direct":true}}`
    const batch = `{"context":{"c":${json}},"batch":[{"type":"track",${single.slice(1)}]}`
    t.equal((await ask(t, `${url}/v1/track`, { body: single })).status, 200, what)
    t.equal((await ask(t, `${url}/v1/batch`, { body: batch })).status, 200, what)
    const [alone, inBatch] = sink.records.slice(-2).map(({ line }) => line.toString())
    for (const line of [alone, inBatch]) {
      t.ok(line?.includes(`"properties":{"a":${json}}`), `${what}: the bytes in properties are unchanged`)
      t.ok(line?.includes(`"extra":${json}`), `${what}: the bytes in an unknown field are unchanged`)
      t.ok(line?.includes(`"b":${json}`), `${what}: the bytes in a changed context are unchanged`)
    }
    t.ok(inBatch?.includes(`"c":${json}`), `${what}: the bytes in a shared member of a batch are unchanged`)
  }
})

t.test('ids that differ only in characters that UTF-8 cannot encode are different ids', async t => {
  const { url, sink } = await startApp(t)
  for (const id of ['\\ud800', '\\\\ud800', '\\ud801', '\\udc00', '\ufffd', '\\u0000', '']) {
    const body = `{"userId":"u","event":"e","messageId":"m${id}"}`
    t.equal((await ask(t, `${url}/v1/track`, { body })).status, 200)
  }
  t.equal(sink.records.length, 7, 'no event is taken for a duplicate')
})

const EVENT = '{"type":"track","userId":"u","event":"e"}'
const list = (count: number, item: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => item(i)).join(',')
const levels = (count: number): string => '['.repeat(count) + ']'.repeat(count)

/** Bodies that would keep a simple parser busy for minutes, and their status. */
const EXPENSIVE: Readonly<Record<string, readonly [path: string, body: string, status: number]>> = {
  '100,000 levels in an event': [
    '/v1/batch',
    `{"batch":[${EVENT},{"type":"track","userId":"u","event":"e","x":${levels(100_000)}}]}`,
    200
  ],
  '100,000 levels instead of an event': ['/v1/batch', `{"batch":[${levels(100_000)}]}`, 400],
  '100,000 levels beside the batch': ['/v1/batch', `{"x":${levels(100_000)},"batch":[${EVENT}]}`, 200],
  '250,000 levels that do not close': ['/v1/batch', `{"batch":[${'['.repeat(250_000)}`, 400],
  '45,000 keys beside the batch': ['/v1/batch', `{${list(45_000, i => `"k${i}":0`)},"batch":[${EVENT}]}`, 200],
  '45,000 keys in the shared context, and 100 events': [
    '/v1/batch',
    `{"context":{${list(43_000, i => `"k${i}":0`)}},"batch":[${list(100, () => EVENT)}]}`,
    400
  ],
  '3,000 keys in the context of each of 14 events and in the shared one': [
    '/v1/batch',
    `{"context":{${list(3_000, i => `"${i}":0`)}},"batch":[${list(14, () => `${EVENT.slice(0, -1)},"context":{${list(3_000, i => `"${i}":0`)}}}`)}]}`,
    200
  ],
  '3,000 keys in one event, the last one twice': [
    '/v1/track',
    `{"userId":"u","event":"e",${list(3_000, i => `"${i}":0`)},"2999":1}`,
    400
  ],
  'keys that are spread over all array indices': [
    '/v1/batch',
    `{"context":{${list(2_000, i => `"${i * 2_147_483}":0`)}},"batch":[${EVENT}]}`,
    200
  ],
  'one key of 400 KB': ['/v1/batch', `{"${'k'.repeat(400_000)}":0,"batch":[${EVENT}]}`, 200],
  '100,000 escapes in one string': ['/v1/batch', `{"x":"${'\\n'.repeat(200_000)}","batch":[${EVENT}]}`, 200],
  '2,500 events, each with a different error': [
    '/v1/batch',
    `{"batch":[${list(2_500, i => `{"type":"t${i}"}`)}]}`,
    400
  ],
  '16,000 numbers of 30 digits': ['/v1/batch', `{"x":[${list(16_000, () => '9'.repeat(29))}],"batch":[${EVENT}]}`, 200],
  'a date with a fraction of 30,000 digits': [
    '/v1/track',
    `{"userId":"u","event":"e","timestamp":"2026-01-01T00:00:00.${'9'.repeat(30_000)}Z"}`,
    200
  ],
  'an address of 30,000 brackets': [
    '/v1/track',
    `{"userId":"u","event":"e","context":{"page":{"url":"http://${'[['.repeat(15_000)}"}}}`,
    200
  ],
  'an address of 30,000 dots': [
    '/v1/track',
    `{"userId":"u","event":"e","context":{"page":{"url":"http://${'a.'.repeat(15_000)}:"}}}`,
    200
  ]
}
/** Milliseconds. Most take less than 20, and the machine may be busy. */
const MAX_MS = 1_000

for (const mode of ['compatible', 'strict']) {
  t.test(`bodies that are made to keep the server busy do not, VALIDATION=${mode}`, async t => {
    const { url } = await startApp(t, { env: { VALIDATION: mode } })
    for (const [what, [path, body, status]] of Object.entries(EXPENSIVE)) {
      const started = performance.now()
      const answer = await ask(t, url + path, { body })
      const took = performance.now() - started
      t.ok(
        answer.status === status || (mode === 'strict' && answer.status === 400),
        `${what} was answered ${answer.status}: ${answer.text.slice(0, 150)}`
      )
      t.ok(took < MAX_MS, `${what} took ${Math.round(took)} ms`)
    }
  })
}
