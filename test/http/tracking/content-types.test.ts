/** Every body is read as JSON in UTF-8, whatever its Content-Type is. Other bodies are refused with the error. */
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { startApp } from '../../support/app.ts'
import { ask, connectRaw, head } from '../../support/http.ts'

const EVENT = '{"userId":"u","event":"e","properties":{"a":"é"}}'

const READ_AS_JSON = [
  undefined,
  'application/json',
  'application/json; charset=utf-8',
  'application/json; charset=UTF-8',
  'application/json;charset="utf-8"',
  'application/json; charset=us-ascii',
  'APPLICATION/JSON',
  ' application/json ',
  'text/plain',
  'text/plain;charset=UTF-8',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/octet-stream',
  'application/problem+json',
  'text/html',
  'nonsense',
  '/',
  ';',
  'application/json; charset',
  'application/json\ttext/plain',
  'a'.repeat(5_000)
]

t.test('any content type, or none, is read as JSON, plain and compressed', async t => {
  const { url, sink } = await startApp(t)
  for (const type of READ_AS_JSON) {
    for (const encoding of ['identity', 'gzip']) {
      const headers: Record<string, string> = { 'content-encoding': encoding }
      if (type !== undefined) headers['content-type'] = type
      const body = encoding === 'gzip' ? gzipSync(EVENT) : EVENT
      t.equal((await ask(t, `${url}/v1/track`, { headers, body })).status, 200, `${type} with ${encoding} is accepted`)
      const invalid = await ask(t, `${url}/v1/track`, {
        headers: { ...headers, 'content-encoding': '' },
        body: '{"userId":5}'
      })
      t.equal(invalid.body['code'], 'id_not_string', 'the event is still validated')
    }
  }
  t.equal(sink.records.filter(({ kind }) => kind === 'event').length, READ_AS_JSON.length * 2)
})

t.test('a charset that is not UTF-8 is 415, whatever its case and quotes', async t => {
  const { url } = await startApp(t)
  for (const charset of ['utf-16', 'UTF-16LE', '"iso-8859-1"', 'latin1', 'shift_jis']) {
    const headers = { 'content-type': `application/json; charset=${charset}` }
    const answer = await ask(t, `${url}/v1/track`, { headers, body: EVENT })
    t.equal(answer.status, 415, charset)
    t.equal(answer.body['code'], 'charset_unsupported')
  }
})

const REFUSED: readonly (readonly [what: string, body: string | Buffer, code: string])[] = [
  ['an empty body', '', 'invalid_json'],
  ['white space', ' \r\n\t', 'invalid_json'],
  ['a byte order mark alone', '\ufeff', 'invalid_json'],
  ['null', 'null', 'invalid_json'],
  ['an array', '[]', 'invalid_json'],
  ['an array of events', `[${EVENT}]`, 'invalid_json'],
  ['a string', '"text"', 'invalid_json'],
  ['a number', '5', 'invalid_json'],
  ['a form', 'data=%7B%7D', 'invalid_json'],
  ['NDJSON', `${EVENT}\n${EVENT}`, 'invalid_json'],
  ['a trailing comma', '{"userId":"u",}', 'invalid_json'],
  ['a comment', '{/* */"userId":"u"}', 'invalid_json'],
  ['single quotes', "{'userId':'u'}", 'invalid_json'],
  ['half an event', EVENT.slice(0, -1), 'invalid_json'],
  ['NaN', '{"userId":"u","event":"e","properties":{"a":NaN}}', 'invalid_json'],
  ['a line break in a string', '{"userId":"a\nb","event":"e"}', 'invalid_json'],
  ['a broken escape', '{"userId":"\\x","event":"e"}', 'invalid_json'],
  ['UTF-16', Buffer.from('{"userId":"u"}', 'utf16le'), 'invalid_json'],
  ['Latin 1', Buffer.from(EVENT, 'latin1'), 'invalid_utf8'],
  ['half a character', Buffer.from(`${EVENT}é`).subarray(0, -1), 'invalid_utf8'],
  [
    'an overlong character',
    Buffer.concat([Buffer.from('{"userId":"'), Buffer.of(0xc0, 0xaf), Buffer.from('"}')]),
    'invalid_utf8'
  ],
  [
    'a surrogate in UTF-8',
    Buffer.concat([Buffer.from('{"userId":"'), Buffer.of(0xed, 0xa0, 0x80), Buffer.from('"}')]),
    'invalid_utf8'
  ],
  ['a key twice', '{"userId":"u","event":"e","userId":"v"}', 'duplicate_key'],
  ['a key twice, once escaped', '{"userId":"u","event":"e","\\u0075serId":"v"}', 'duplicate_key'],
  ['__proto__', '{"userId":"u","event":"e","__proto__":{"a":1}}', 'forbidden_key'],
  ['__proto__ deep inside', '{"userId":"u","event":"e","properties":{"a":[{"__proto__":{}}]}}', 'forbidden_key'],
  ['__proto__ escaped', '{"userId":"u","event":"e","properties":{"\\u005f_proto__":{}}}', 'forbidden_key'],
  ['constructor.prototype', '{"userId":"u","event":"e","properties":{"constructor":{"prototype":{}}}}', 'forbidden_key']
]

t.test('a body that is not a JSON object in UTF-8, or is ambiguous, is refused with the error', async t => {
  const { url, sink } = await startApp(t)
  for (const [what, body, code] of REFUSED) {
    const answer = await ask(t, `${url}/v1/track`, { body })
    t.equal(answer.status, 400, what)
    t.equal(answer.body['code'], code, what)
  }
  t.same(
    sink.records.filter(({ kind }) => kind === 'event'),
    []
  )
})

t.test('a batch that cannot be split is refused as a whole', async t => {
  const { url, sink } = await startApp(t)
  const event = '{"type":"track","userId":"u","event":"e"}'
  const bodies: readonly (readonly [string, string])[] = [
    ['[]', 'invalid_json'],
    [`[${event}]`, 'invalid_json'],
    ['{}', 'batch_required'],
    ['{"batch":null}', 'batch_required'],
    ['{"batch":[]}', 'empty_batch'],
    ['{"batch":{}}', 'batch_not_array'],
    ['{"batch":"text"}', 'batch_not_array'],
    [`{"batch":[${event}],"batch":[${event}]}`, 'duplicate_key'],
    [`{"batch":[${event}],"sentAt":NaN}`, 'invalid_json'],
    [`{"batch":[${event}`, 'invalid_json'],
    [`{"batch":[${event}]}}`, 'invalid_json']
  ]
  for (const [body, code] of bodies) {
    const answer = await ask(t, `${url}/v1/batch`, { body })
    t.equal(answer.status, 400, body)
    t.equal(answer.body['code'], code, body)
  }
  t.equal(sink.records.filter(({ kind }) => kind === 'event').length, 0)
})

t.test('NaN, a repeated key and a poisoned prototype each cost a batch one event', async t => {
  const { url, sink } = await startApp(t)
  const good = '{"type":"track","userId":"u","event":"e"}'
  const bad = [
    '{"type":"track","userId":"u","event":"e","properties":{"price":NaN}}',
    '{"type":"track","userId":"u","event":"e","properties":{"price":-Infinity}}',
    '{"type":"track","userId":"u","event":"e","event":"f"}',
    '{"type":"track","userId":"u","event":"e","context":{"__proto__":{}}}',
    'undefined',
    '{"type":"track" "userId":"u"}'
  ]
  const batch = bad.flatMap(event => [good, event])
  const answer = await ask(t, `${url}/v1/batch`, { body: `{"batch":[${batch.join(', ')}]}` })
  t.match(answer.body, { accepted: bad.length, rejected: bad.length })
  t.same(
    (answer.body['errors'] as { index: number; code: string }[]).map(({ index, code }) => [index, code]),
    [
      [1, 'invalid_json'],
      [3, 'invalid_json'],
      [5, 'duplicate_key'],
      [7, 'forbidden_key'],
      [9, 'invalid_json'],
      [11, 'invalid_json']
    ]
  )
  for (const { line } of sink.records) t.doesNotThrow(() => JSON.parse(line.toString()), 'every record is valid JSON')
})

t.test('a byte order mark is ignored, and pretty-printed JSON becomes one line', async t => {
  const { url, sink } = await startApp(t)
  const pretty = JSON.stringify(
    { userId: 'u', event: 'a\nb', properties: { list: [1, { x: 'y' }] } },
    null,
    '\t'
  ).replaceAll('\n', '\r\n')
  t.equal((await ask(t, `${url}/v1/track`, { body: `\ufeff${EVENT}` })).status, 200)
  t.equal((await ask(t, `${url}/v1/track`, { body: `\r\n${pretty}\r\n` })).status, 200)
  t.equal(
    (await ask(t, `${url}/v1/batch`, { body: `\ufeff\n{ "batch" : [\n{"type":"track",${pretty.slice(1)}\n]\n}\n` }))
      .status,
    200
  )
  for (const { line } of sink.records) t.equal(line.indexOf('\n'), line.length - 1)
  t.same(JSON.parse(sink.records[1]!.line.toString()).properties, { list: [1, { x: 'y' }] })
})

t.test('two Content-Type headers cause no error', async t => {
  const { url } = await startApp(t)
  const { write, answer } = await connectRaw(t, url)
  const twice = head('/v1/track', { 'content-type': 'text/html', 'content-length': Buffer.byteLength(EVENT) })
  await write(twice.replace('\r\n\r\n', '\r\ncontent-type: application/json\r\n\r\n') + EVENT)
  t.equal((await answer()).status, 200)
})
