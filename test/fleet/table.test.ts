/**
 * Three servers, three brokers, HAProxy, and the faults of a fleet, from the view of clients and consumers. `npm run
 * test:fleet` runs the long form, whose results are in docs/reliability.md.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { postUntilTaken } from '../support/app.ts'
import { BURST, isLong, LIMIT, startable, startTable } from '../support/fleet-table.ts'
import { statusWith } from '../support/fleet.ts'
import { THROWN_AWAY } from '../support/load.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { until } from '../support/until.ts'
import { wasOpenAt } from '../support/verdict.ts'

interface Traced {
  readonly events: readonly { readonly messageId: string; readonly server: string }[]
}

const SECONDS = isLong ? 30 : 3
/** Of a request of the load. */
const MAX_EVENTS = 9
/**
 * The short form measures no times, because other programs share the machine, and Kafka and the servers may be late.
 */
const LONG_TIMEOUTS = { PUBLISH_TIMEOUT: '5s', SHUTDOWN_GRACE: '60s' }
const table = await startTable(t, isLong ? {} : LONG_TIMEOUTS)
const { fleet, servers, brokers, ways, spread, sticky, stickyToKafka, run } = table
const [a, b, c] = servers

// Cold code is slow, and slow requests go to the spool.
if (isLong) await run(t, 'warm', { through: spread, seconds: 10 })

await t.test('a batch that is sent again after a lost answer is recognised, whichever server receives it', async t => {
  const lost = await run(t, '3 % of answers thrown away', {
    through: spread,
    seconds: SECONDS,
    lostShare: isLong ? 0.03 : 0.3,
    // Clients of the short form wait as long as SDKs do, because machines may be busy.
    ...(isLong ? {} : { firstRetryMs: 1_000 })
  })
  t.ok((lost.failed[THROWN_AWAY] ?? 0) > 0)
  t.equal(lost.unasked, 0, 'only events that a client sent again are stored twice')
  // Without shared ids, two thirds would be copies. Only the long form measures how soon the servers share them.
  const allowed = lost.load.lostEvents * (isLong ? 0.03 : 0.5)
  t.ok(
    lost.duplicates <= allowed,
    `${lost.load.lostEvents} events lost their answers, and ${lost.duplicates} copies of them are stored`
  )
})

await t.test('an added key is in force on all servers, and they are listed', async t => {
  const begun = performance.now()
  const added = await fleet.tributary(['keys', 'add', 'web'])
  const ms = performance.now() - begun
  t.comment(`keys add took ${Math.round(ms)} ms, including the start of the command`)
  t.match(added, { code: 0, stderr: /^in force on 3 of 3 servers/m })
  for (const { url } of servers) t.equal(await statusWith(added.stdout.trim(), url), 200)
  if (isLong) t.ok(ms < 3_000, 'the command reports the key as in force within 3 s', { ms })
})

await t.test('an event is found from every server, whichever server accepted it', async t => {
  const messageId = randomUUID()
  t.equal((await postUntilTaken(`${b.url}/v1/track`, { userId: 'u', event: 'Seen', messageId })).status, 200)
  for (const { adminUrl } of servers) {
    const trace = async (): Promise<Traced> =>
      (await fetch(`${adminUrl}/api/trace/${messageId}`)).json() as Promise<Traced>
    const begun = performance.now()
    let found = await trace()
    const ms = performance.now() - begun
    t.comment(`the trace took ${Math.round(ms)} ms`)
    if (isLong) t.ok(ms < 1_000, 'the trace takes less than 1 s', { ms })
    // A member that does not answer within a second is only named. On a busy machine the test asks again.
    await until(async () => (found = found.events.length > 0 ? found : await trace()).events.length > 0, {
      what: 'b to answer in time',
      timeoutMs: 30_000
    })
    t.match(found, { events: [{ messageId, server: 'b' }] })
  }
})

await t.test('a killed server loses only the ids that it had made durable and not yet sent', async t => {
  let killedAt = 0
  const killAndStart = async (): Promise<void> => {
    killedAt = performance.now()
    await b.kill('SIGKILL')
    await sleep(isLong ? 10_000 : 500)
    await b.start()
  }
  const killed = await run(t, 'kill -9', { through: spread, seconds: SECONDS, fault: killAndStart })
  const open = killed.load.answers.filter(wasOpenAt(killedAt)).length
  const allowed = isLong ? 4 : MAX_EVENTS * open
  t.ok(killed.duplicates <= allowed, `${killed.duplicates} copies are stored, and ${open} requests were in flight`)
})

await t.test('servers that are restarted one after the other cost no request and no duplicate', async t => {
  const restartAll = async (): Promise<void> => {
    for (const server of servers) {
      t.match(await server.kill('SIGTERM'), { code: 0 })
      await server.start()
      await server.ready(60_000)
      await spread.knows(3)
    }
  }
  const { failed, shed, duplicates } = await run(t, 'rolling restart', {
    through: spread,
    seconds: SECONDS,
    fault: restartAll
  })
  // On a busy machine the balancer's checks may time out. The balancer then answers 503 itself.
  const { '503': unserved = 0, ...lost } = failed
  t.same(lost, {}, 'no request was lost')
  if (isLong) t.equal(shed + unserved, 0, 'every request was answered 200')
  t.equal(duplicates, 0)
})

if (isLong) {
  const CUT_MS = 12_000
  const balancers = [
    ['round robin', spread],
    ['affinity', sticky],
    ['affinity among those that reach Kafka', stickyToKafka]
  ] as const

  for (const [how, through] of balancers) {
    await t.test(`a server alone without Kafka, ${how}`, async t => {
      const cut = async (): Promise<void> => {
        ways[1]?.cut()
        await sleep(CUT_MS)
        ways[1]?.mend()
      }
      const { acked, outOfOrder } = await run(t, 'one server cut off from Kafka for 12 s', {
        through,
        seconds: SECONDS,
        fault: cut
      })
      const allowed = through === sticky ? 0 : acked * 0.01
      t.ok(outOfOrder.length <= allowed, `${outOfOrder.length} of ${acked} events are out of order`)
    })
  }

  for (const [how, through] of balancers) {
    await t.test(`a broker is killed, ${how}`, async t => {
      const away = async (): Promise<void> => {
        await brokers[1]?.kill()
        await sleep(CUT_MS)
        await brokers[1]?.restart()
      }
      const { acked, outOfOrder } = await run(t, 'one broker killed', { through, seconds: SECONDS, fault: away })
      const allowed = acked * (through === spread ? 0.1 : through === sticky ? 0 : 0.01)
      t.ok(outOfOrder.length <= allowed, `${outOfOrder.length} of ${acked} events are out of order`)
    })
  }

  await t.test('a rate limit is the same number with five servers, three and one', async t => {
    const others = await Promise.all(['d', 'e'].map(name => startable(fleet, name)))
    await Promise.all(others.map(server => server.start()))
    await Promise.all(others.map(server => server.ready(60_000)))
    await limitHolds(t, [...servers, ...others])
    for (const server of others) t.match(await server.kill('SIGTERM'), { code: 0 })
    await limitHolds(t, servers)
    for (const server of [b, c]) t.match(await server.kill('SIGTERM'), { code: 0 })
    await limitHolds(t, [a])
  })
}

/** Offers six times the limit for 20 s, round robin, and counts the accepted events. */
async function limitHolds(t: Test, members: readonly ServerProcess[]): Promise<void> {
  const [seconds, perTick, tickMs] = [20, 3, 10]
  // Until the bucket is full again and the others know the new member.
  await sleep(5_000)
  const begun = performance.now()
  const answers: Promise<number>[] = []
  for (let sent = 0; performance.now() - begun < seconds * 1_000;) {
    const due = Math.floor((performance.now() - begun) / tickMs) * perTick
    for (; sent < due; sent++) answers.push(statusWith('wk_slow', members[sent % members.length]?.url ?? ''))
    await sleep(tickMs)
  }
  const took = (performance.now() - begun) / 1_000
  const statuses = await Promise.all(answers)
  const passed = statuses.filter(status => status === 200).length
  const wanted = BURST + LIMIT * took
  const facts = `${passed} of ${statuses.length} passed, ${Math.round(wanted)} wanted`
  t.comment(`rate limit, ${members.length} servers: ${facts}`)
  t.ok(Math.abs(passed - wanted) <= wanted / 10, facts)
}
