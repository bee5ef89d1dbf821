import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { MAIN, run } from '../run.ts'
import { basic, postUntilTaken } from '../../support/app.ts'
import { runCommand, setUp } from './setup.ts'

t.test('expect ends with 0 as soon as a matching event arrives, and prints it', async t => {
  const { tributary, track, server } = await setUp(t)
  await track('Order Completed')
  let ended = false
  const args = [
    '--event',
    'Order *',
    '--where',
    'properties.currency=EUR',
    '--timeout',
    '60s',
    '--junit',
    join(server.dir, 'ok.xml')
  ]
  const waiting = tributary('expect', '--new', ...args).finally(() => (ended = true))
  // The command counts events that arrive after it has started. The test cannot know when this is.
  for (let sent = 0; !ended; sent++)
    await track('Order Completed', { properties: { currency: sent % 2 ? 'EUR' : 'USD' } })
  const { code, stdout } = await waiting
  t.equal(code, 0)
  t.match(stdout, /accepted {6}track "Order Completed"/)
  const report = readFileSync(join(server.dir, 'ok.xml'), 'utf8')
  t.match(report, /tests="1" failures="0"/)
  t.match(report, /<testcase classname="tributary" name="expect event Order \*" time="\d+\.\d{3}"><\/testcase>/)
})

t.test('expect counts events that are already in memory, unless only new events are requested', async t => {
  const { tributary, track } = await setUp(t)
  await track('Signed Up', { properties: { plan: 'pro', seats: 2 }, messageId: 'one' })
  const known = await tributary('expect', '--event', 'signed up', '--json')
  t.equal(known.code, 0)
  t.match(JSON.parse(known.stdout), { messageId: 'one', payload: { properties: { plan: 'pro' } } })
  const fresh = await tributary('expect', '--event', 'Signed Up', '--new', '--timeout', '300ms')
  t.match(fresh, { code: 1, stdout: '', stderr: 'no event fits, 0.3 s waited; no events came at all\n' })
})

t.test('expect compares members by path, values as JSON or text', async t => {
  const { tributary, track } = await setUp(t)
  await track('A', { properties: { plan: 'pro', seats: 2, tags: ['x'], 'a b': null } })
  const ask = (...where: string[]) =>
    tributary('expect', '--event', 'A', '--timeout', '100ms', ...where.flatMap(text => ['--where', text]))
  for (const good of [
    ['properties.plan=pro'],
    ['properties.seats=2', 'properties.plan="pro"'],
    ['properties.tags=["x"]'],
    ['properties.a b=null']
  ])
    t.equal((await ask(...good)).code, 0, good.join())
  for (const bad of [
    ['properties.plan=free'],
    ['properties.seats="2"'],
    ['properties.plan=pro', 'properties.seats=3'],
    ['properties.none=null'],
    ['userId.length=6']
  ])
    t.equal((await ask(...bad)).code, 1, bad.join())
  t.match(await ask('plan'), { code: 2, stderr: /--where "plan" must be a path and a value/ })
})

t.test('expect waits for the requested number of events, and says what arrived instead', async t => {
  const { tributary, track, server } = await setUp(t)
  for (const event of ['Order Completed', 'Order Completed', 'Order Complete']) await track(event)
  await track('', { messageId: 'bad' })
  t.equal((await tributary('expect', '--event', 'Order Completed', '--count', '2')).code, 0)
  const few = await tributary(
    'expect',
    '--event',
    'Order Completed',
    '--count',
    '3',
    '--timeout',
    '200ms',
    '--junit',
    join(server.dir, 'few.xml')
  )
  t.equal(few.code, 1)
  t.match(
    few.stderr,
    '2 of 3 events fit, 0.2 s waited; what came: track "Order Completed" accepted (2), track "Order Complete" accepted (1)'
  )
  t.match(few.stderr, 'track event_not_string (1)')
  t.match(
    readFileSync(join(server.dir, 'few.xml'), 'utf8'),
    /failures="1".*<failure message="2 of 3 events fit, .*&quot;Order Completed&quot;/s
  )
  const near = await tributary('expect', '--event', 'Order Competed', '--timeout', '100ms')
  t.match(near.stderr, 'did you mean "Order Completed"?')
})

t.test('expect --none fails as soon as an unwanted event arrives', async t => {
  const { tributary, track } = await setUp(t)
  const none = ['--outcome', 'rejected', '--none', '--timeout']
  t.equal((await tributary('expect', ...none, '200ms')).code, 0)
  await track('')
  const came = await tributary('expect', ...none, '60s')
  t.equal(came.code, 1)
  t.match(came.stderr, /an event came that was not expected: .*event_not_string/)
})

t.test('expect names the requests that were refused before they became events, and --none fails for them', async t => {
  const { tributary, track, server } = await setUp(t)
  const none = ['--outcome', 'rejected', '--none', '--timeout', '200ms']
  const headersOf = (key: string) => ({ authorization: basic(key), origin: 'https://evil.example' })
  for (const key of ['wk_shop', 'wk_shop', 'wk_nobody'])
    await postUntilTaken(`${server.url}/v1/track`, {}, headersOf(key))
  const said =
    "requests refused before they became events: origin_not_allowed (2), write_key_unknown (1) (see the debugger's Rejections)"
  const missing = await tributary('expect', '--event', 'Order Completed', '--timeout', '200ms')
  t.equal(missing.stderr, `no event fits, 0.2 s waited; no events came at all; ${said}\n`)
  t.strictSame(await tributary('expect', ...none), { code: 1, stdout: '', stderr: `${said}\n` })
  t.equal((await tributary('expect', ...none, '--new')).code, 0, 'earlier refused requests are not new')
  t.equal((await tributary('expect', ...none, '--event', 'A')).code, 0, 'a refused request has no event name')
  await track('A')
  t.equal((await tributary('expect', '--event', 'A')).code, 0, 'refused requests do not hide an event')
})

t.test('an impossible value of an option, or an unknown source, is refused before the command waits', async t => {
  const { tributary } = await setUp(t)
  for (const command of ['expect', 'tail']) {
    const cases: [string[], RegExp][] = [
      [['--outcome', 'acepted'], /--outcome: there is no "acepted"; did you mean "accepted"\?/],
      [['--type', 'track,pag'], /--type: there is no "pag"; did you mean "page"\?/],
      [['--code', 'no_user_anonid'], /--code: there is no "no_user_anonid"; did you mean "no_user_anon_id"\?/],
      [
        ['--code', 'origin_not_allowed'],
        /--code: origin_not_allowed refuses whole requests, which are not stored: see /
      ],
      [['--source', 'wbe'], /--source: there is no "wbe"; (did you mean "web"\?|there are: web, )/],
      [['--source', 'web,nowhere'], /--source: there is no "nowhere"; there are: web, off, shop, slow/],
      [['--type', 'track', '--timeout', 'soon'], /--timeout must be a time such as 10s/],
      [['--outcom', 'accepted'], /Unknown option '--outcom': did you mean --outcome\?/]
    ]
    for (const [args, message] of cases) {
      const { code, stdout, stderr } = await tributary(command, ...args)
      t.strictSame([code, stdout], [2, ''], `${command} ${args.join(' ')}`)
      t.match(stderr, message)
    }
  }
  t.match(await tributary('expect'), { code: 2, stderr: /say what to expect/ })
  t.match(await tributary('expect', '--event', 'A', '--count', '0'), { code: 2, stderr: /--count must be/ })
  t.match(await tributary('expect', '--event', 'A', '--count', '1', '--none'), {
    code: 2,
    stderr: /exclude each other/
  })
})

t.test('tail ends when its time is over: with 1 if events are missing that it had to count', async t => {
  const { server, track } = await setUp(t)
  await track('One')
  const args = [MAIN, 'tail', '--admin', server.adminUrl, '--count', '3', '--timeout', '300ms']
  const { code, stdout, stderr } = await run(process.execPath, args, { cwd: server.dir })
  t.strictSame([code, stderr], [1, 'the time is up: 2 more events were waited for\n'])
  t.match(stdout, /track "One"/)
})

t.test('--admin takes a host and a port', async t => {
  const { server, track } = await setUp(t)
  await track('One')
  const { host } = new URL(server.adminUrl)
  t.equal((await runCommand('expect', ['--event', 'One', '--admin', host])).code, 0)
  t.equal((await runCommand('tail', ['--count', '1', '--admin', host])).code, 0)
})
