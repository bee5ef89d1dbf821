import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { createCollector } from '../../examples/collector/collector.ts'
import { basic, post, startApp } from '../support/app.ts'

const FOLDER = join(import.meta.dirname, '..', '..', 'examples', 'collector')
/** The key of a source, and an origin that the source does not allow. */
const FOREIGN = { authorization: basic('wk_shop'), origin: 'https://evil.example' }
const REFUSED = 'requests refused before they became events: origin_not_allowed'
const clock = { now: Date.now, monotonic: () => performance.now() }

t.test('the collector for JavaScript waits for events, names what arrived instead, and reports rejections', async t => {
  const server = await startApp(t, { clock, env: { ADMIN_PASSWORD: 'secret' } })
  const track = (event: string) =>
    post(`${server.url}/v1/track`, { userId: 'u', event, properties: { currency: 'EUR' } })
  const collector = createCollector({ adminUrl: server.adminUrl, password: 'secret' })
  await track('Old')
  await collector.clear()
  const waiting = collector.expectEvents('Order *', { count: 2, timeoutMs: 60_000 })
  await track('Order Completed')
  await track('Order Refunded')
  t.match(await waiting, [{ event: 'Order Completed', properties: { currency: 'EUR' } }, { event: 'Order Refunded' }])
  await collector.expectNothingRejected()
  await t.rejects(collector.expectEvents('Old', { timeoutMs: 100 }), {
    message: '0 of 1 "Old" within 100 ms; came: track "Order Refunded" accepted, track "Order Completed" accepted'
  })
  await track('')
  await t.rejects(collector.expectNothingRejected(), { message: 'track "" was rejected: event_not_string' })
  await collector.clear()
  for (let i = 0; i < 2; i++) await post(`${server.url}/v1/track`, {}, FOREIGN)
  await t.rejects(collector.expectNothingRejected(), { message: `${REFUSED} (2)` })
  await t.rejects(collector.expectEvents('A', { timeoutMs: 100 }), {
    message: `0 of 1 "A" within 100 ms; came: nothing; ${REFUSED} (2)`
  })
  const stranger = createCollector({ adminUrl: server.adminUrl, password: 'wrong' })
  await t.rejects(stranger.expectEvents('Old'), { message: /answered 401/ })
})

t.test('the collector for Python does the same', async t => {
  const server = await startApp(t, { clock, env: { ADMIN_PASSWORD: 'secret' } })
  for (const event of ['Order Completed', ''])
    await post(`${server.url}/v1/track`, { userId: 'u', event, properties: { total: 1.1 } })
  const script = `
from collector import Collector
from decimal import Decimal
collector = Collector('${server.adminUrl}', 'secret')
[order] = collector.expect_events('Order Completed', timeout=60)
assert order['properties']['total'] == Decimal('1.1'), order
for ask in (lambda: collector.expect_events('Other', timeout=0.1), collector.expect_nothing_rejected):
    try:
        ask()
    except AssertionError as error:
        print(error)
collector.clear()
collector.expect_nothing_rejected()
print('clear', flush=True)
input()
for ask in (lambda: collector.expect_events('Other', timeout=0.1), collector.expect_nothing_rejected):
    try:
        ask()
    except AssertionError as error:
        print(error)
`
  const running = promisify(execFile)('python3', ['-c', script], { cwd: FOLDER, timeout: 120_000 })
  running.child.stdout?.on('data', (text: string) => {
    if (!text.includes('clear')) return
    void post(`${server.url}/v1/track`, {}, FOREIGN).then(() => running.child.stdin?.end('\n'))
  })
  const { stdout } = await running
  t.strictSame(stdout.trim().split('\n'), [
    '0 of 1 "Other" within 0.1 s; came: track "" event_not_string, track "Order Completed" accepted',
    'track "" was rejected: event_not_string',
    'clear',
    `0 of 1 "Other" within 0.1 s; came: nothing; ${REFUSED} (1)`,
    `${REFUSED} (1)`
  ])
})
