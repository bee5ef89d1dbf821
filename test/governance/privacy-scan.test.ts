import { join } from 'node:path'
import t from 'tap'
import { MAIN, run } from '../cli/run.ts'
import { piiOfName, piiOfValue } from '../../src/governance/privacy/detect-pii.ts'

t.test('Names of personal data are found by whole words, in any spelling of the key', async t => {
  for (const key of [
    'email',
    'userEmail',
    'user_email',
    'USER-EMAIL',
    'E-Mail',
    'creditCardNumber',
    'credit_card',
    'dateOfBirth',
    'IP',
    'firstName',
    'firstname',
    'zip code',
    'accessToken'
  ]) {
    t.ok(piiOfName(key), key)
  }
  for (const key of [
    'emailed',
    'description',
    'capacity',
    'zip',
    'machine',
    'embrace',
    'name',
    'price',
    'token_count_x'.replace('token_', 'tokens_')
  ]) {
    t.notOk(piiOfName(key), key)
  }
})

t.test('Values are found by their form, and values that are only similar are not', async t => {
  for (const [value, kind] of [
    ['ann@example.com', 'e-mail address'],
    ['write to ann@example.co.uk now', 'e-mail address'],
    ['4111 1111 1111 1111', 'card number'],
    [4111111111111111, 'card number'],
    ['078-05-1120', 'social security number'],
    ['+49 30 1234567', 'phone number'],
    ['DE89 3704 0044 0532 0130 00', 'IBAN'],
    ['203.0.113.7', 'IP address'],
    ['2001:db8::1', 'IP address'],
    [`eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.${'x'.repeat(20)}`, 'token']
  ] as const) {
    t.match(piiOfValue(value), { kind }, String(value))
  }
  for (const value of [
    '4111 1111 1111 1112',
    1111111111111111,
    '0000000000000000',
    '203.0.113.0',
    '2001:db8::',
    '@handle',
    'a@b',
    '12345',
    '2026-11-28',
    1.5,
    '',
    'DE00 3704 0044 0532 0130 00'
  ]) {
    t.equal(piiOfValue(value), undefined, String(value))
  }
})

t.test('The command says where, how often and why, and shows no value', async t => {
  const event = (members: object): string => JSON.stringify({ type: 'track', userId: 'u', version: 2, ...members })
  const dir = t.testdir({
    'events.ndjson': [
      event({
        properties: { items: [{ note: 'raw@example.com' }, { note: 'raw@example.com' }] },
        userId: 'raw@example.com'
      }),
      event({ traits: { password: 'raw-1', email: 'a'.repeat(64) }, context: { ip: '203.0.113.77' } }),
      event({ properties: { 'raw@example.com': { n: 1 } } }),
      JSON.stringify({ code: 'event_not_string', event: { traits: { ssn: '078-05-1120' } } }),
      'no JSON',
      ''
    ].join('\n'),
    'clean.ndjson': event({ properties: { price: 1 } })
  })
  const scan = (...args: string[]) => run(process.execPath, [MAIN, 'privacy', 'scan', ...args], { cwd: dir })
  const { code, stdout, stderr } = await scan('events.ndjson')
  t.equal(code, 0)
  t.notMatch(stdout + stderr, /raw@|raw-1|203\.0|078-05/)
  t.match(stdout, /^red +traits\.password +password \(by name\), 1 of 4 events$/m)
  t.match(stdout, /^red +traits\.ssn +social security number \(by value\), 1 of 4 events$/m)
  t.match(stdout, /^yellow +properties\.items\.\*\.note +e-mail address \(by value\), 1 of 4 events$/m)
  t.match(stdout, /^yellow +userId +e-mail address/m)
  t.match(stdout, /^yellow +properties\.\* +e-mail address/m)
  t.match(stdout, /^yellow +context\.ip +IP address \(by value\)/m)
  t.notMatch(stdout, /traits\.email/, 'a member that is hashed is not reported')
  t.match(stderr, /4 events, \d+ findings; 1 lines/)
  const json = (await scan('events.ndjson', '--json')).stdout.trim().split('\n')
  t.match(JSON.parse(json[0] ?? ''), { level: 'red', events: 1 })
  t.equal((await scan('events.ndjson', '--fail')).code, 1)
  t.match(await scan('clean.ndjson', '--fail'), { code: 0, stdout: '' })
})

t.test('Without a file the log in DATA_DIR is read', async t => {
  const line = JSON.stringify({ type: 'track', version: 2, traits: { email: 'x' } })
  const dir = t.testdir({ data: { events: { '1.ndjson': line }, rejected: {} } })
  const options = { cwd: dir, env: { DATA_DIR: join(dir, 'data') } }
  t.match(await run(process.execPath, [MAIN, 'privacy', 'scan'], options), { code: 0, stdout: /traits\.email/ })
  t.match(await run(process.execPath, [MAIN, 'privacy', 'scan'], { cwd: dir }), { code: 0 })
  t.match(
    await run(process.execPath, [MAIN, 'privacy', 'scan'], { ...options, env: { DATA_DIR: join(dir, 'none') } }),
    { code: 1 }
  )
})
