import t from 'tap'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { statusWith, testFleet } from '../support/fleet.ts'
import { startKafka } from '../support/kafka.ts'
import type { ServerProcess } from '../support/server-process.ts'
import { until } from '../support/until.ts'

const kafka = await startKafka({ heap: '320m' })
t.teardown(() => kafka.stop())

const KEY = /^wk_[0-9A-Za-z]{32}$/

async function statuses(key: string, servers: readonly ServerProcess[]): Promise<number[]> {
  return Promise.all(servers.map(({ url }) => statusWith(key, url)))
}

const fileText = (name: string): string => `# of ${name}
sources:
  - id: web
    writeKeys: [wk_test]
`

function snapshotOf({ dataDir }: ServerProcess): { readonly at: string; readonly version: number } {
  return JSON.parse(readFileSync(join(dataDir, 'fleet-config.json'), 'utf8')) as { at: string; version: number }
}

/** Milliseconds from the creation of a version to the line of a server that reports that it is in force. */
function inForceAfterMs(stderr: string, at: string, version: number): number {
  const line = stderr
    .split('\n')
    .find(text => text.includes(`"version":${version},`) && text.includes('configuration of the fleet in force'))
  return (JSON.parse(line ?? '{}') as { time: number }).time - Date.parse(at)
}

await t.test('three servers have one configuration: a change on any server is in force on all', async t => {
  const fleet = testFleet(t, kafka.brokers)
  const servers = await Promise.all(['a', 'b', 'c'].map(name => fleet.server(name)))
  const [a, b, c] = servers as [ServerProcess, ServerProcess, ServerProcess]
  writeFileSync(b.configFile, fileText('b'))
  await a.start()
  await Promise.all([b.start(), c.start()])
  await Promise.all(servers.map(server => server.ready()))
  t.same(await statuses('wk_test', servers), [200, 200, 200], 'the first server has written its file to the topic')
  await until(() => b.stderr.includes('the config file differs'), { what: 'the warning about the different file' })
  t.notMatch(c.stderr, 'the config file differs')

  const added = await fleet.tributary(['keys', 'add', 'web'])
  const key = added.stdout.trim()
  t.match(added, { code: 0, stderr: /^in force on 3 of 3 servers \(version 2\)$/m })
  t.match(key, KEY)
  t.same(await statuses(key, servers), [200, 200, 200], 'the key is in force when the command reports it')
  t.same(await statuses('wk_unknown', servers), [401, 401, 401], 'servers that are not behind refuse unknown keys')

  const delays = servers.map(({ stderr }) => inForceAfterMs(stderr, snapshotOf(a).at, 2))
  t.comment(`the version was in force after ${delays.join(', ')} ms`)
  t.ok(
    delays.every(ms => ms < 3_000),
    'the version is in force on all servers within 3 s of its creation',
    { delays }
  )

  const listed = await fleet.tributary(['keys', 'list'])
  t.match(listed.stdout, new RegExp(`web +${key.slice(0, 6)}…${key.slice(-3)} +enabled`))

  const revoked = await fleet.tributary(['keys', 'revoke', 'web', key.slice(0, 6)])
  t.match(revoked, { code: 0, stderr: /in force on 3 of 3 servers \(version 3\)/ })
  t.same(await statuses(key, servers), [401, 401, 401])

  const rotated = await fleet.tributary(['keys', 'rotate', 'web'])
  t.match(rotated, { code: 0, stderr: /revoked 1 older key of "web"\nin force on 3 of 3/ })
  t.same(await statuses('wk_test', servers), [401, 401, 401])
  t.same(await statuses(rotated.stdout.trim(), servers), [200, 200, 200])

  const everything = servers.map(({ dataDir }) => readFileSync(join(dataDir, 'fleet-config.json'), 'utf8')).join('')
  for (const secret of ['wk_test', key, rotated.stdout.trim()])
    t.notMatch(everything, secret, 'no snapshot contains a key')

  await t.test('nobody waits for a server that was stopped, and a killed server is reported as away', async t => {
    await c.kill('SIGTERM')
    const stopped = await fleet.tributary(['keys', 'add', 'web'])
    t.match(stopped.stderr, /^in force on 2 of 2 servers \(version 5\)\n?$/)
    await b.kill('SIGKILL')
    await until(async () => (await fleet.tributary(['keys', 'add', 'web'])).stderr.includes('b is away since'), {
      what: 'b to be reported as away',
      timeoutMs: 60_000
    })
  })

  await t.test('a server that was away has all changes as soon as it is ready', async t => {
    const before = await fleet.tributary(['keys', 'add', 'web'])
    await b.start()
    await b.ready()
    t.equal(await statusWith(before.stdout.trim(), b.url), 200)
  })

  await t.test('push, pull, diff and history work on the fleet', async t => {
    const file = join(fleet.dir, 'tributary.yml')
    t.match(await fleet.tributary(['config', 'pull']), { code: 0, stderr: /version \d+ is in tributary.yml/ })
    t.match(await fleet.tributary(['config', 'diff']), {
      code: 0,
      stderr: /tributary.yml is version \d+ of the fleet/
    })
    writeFileSync(file, `${readFileSync(file, 'utf8')}  - { id: ios, writeKeys: [wk_iosiosiosiosiosiosios] }\n`)
    const differs = await fleet.tributary(['config', 'diff'])
    t.equal(differs.code, 1)
    t.match(differs.stdout, /^\+ {3}- \{ id: ios, writeKeys: \["sha256:[0-9a-f]{64}:/m)
    const pushed = await fleet.tributary(['config', 'push', '--why', 'an app'])
    t.match(pushed, { code: 0, stderr: /in force on 2 of 2 servers/ })
    t.equal(await statusWith('wk_iosiosiosiosiosiosios', a.url), 200)
    await fleet.tributary(['config', 'pull'])
    t.match(readFileSync(file, 'utf8'), '[wk_iosiosiosiosiosiosios]', 'a key that was in the file stays readable')
    const again = await fleet.tributary(['config', 'push'])
    t.match(again, { code: 0, stdout: /nothing has changed/ })
    const added = (await fleet.tributary(['keys', 'add', 'ios'])).stdout.trim()
    const stale = await fleet.tributary(['config', 'push'])
    t.match(stale, { code: 1, stderr: new RegExp(`take away ${added.slice(0, 6)}….* of "ios"`) })
    t.match(await fleet.tributary(['config', 'push', '--force']), { code: 0 })
    t.equal(await statusWith(added, a.url), 401)
    const history = await fleet.tributary(['config', 'history'])
    t.match(history.stdout, /^\d+ .* 2 +[0-9a-f]{16} +config push/m)
    t.match(history.stdout, /an app$/m)
    t.match(history.stdout, /^1 .*seeded from .*tributary.yml$/m)
  })
})

await t.test('keys that several servers add at once are all in force', async t => {
  const fleet = testFleet(t, kafka.brokers)
  const server = await fleet.server('a')
  await server.start()
  await server.ready()
  const added = await Promise.all([1, 2, 3].map(() => fleet.tributary(['keys', 'add', 'web'])))
  for (const { stdout, code } of added) {
    t.equal(code, 0)
    t.equal(await statusWith(stdout.trim(), server.url), 200)
  }
})

await t.test(
  'a server starts without Kafka from its snapshot, and never answers 401 while it may be behind',
  async t => {
    const own = await startKafka({ heap: '320m' })
    t.teardown(() => own.stop())
    const fleet = testFleet(t, own.brokers)
    const [a, b] = await Promise.all([fleet.server('a'), fleet.server('b')])
    await a.start()
    await a.ready()
    await b.start()
    await b.ready()
    await b.kill('SIGTERM')
    rmSync(b.configFile)
    await own.kill()
    await until(async () => (await statusWith('wk_unknown', a.url)) === 503, {
      what: 'a to answer 503 for unknown keys'
    })
    t.equal(await statusWith('wk_test', a.url), 200, 'known keys are still accepted')
    await b.start()
    t.equal(await statusWith('wk_test', b.url), 200, 'the snapshot contains the key')
    t.equal(await statusWith('wk_unknown', b.url), 503)
    const headers = { authorization: `Basic ${Buffer.from('wk_unknown:').toString('base64')}` }
    const answer = await fetch(`${b.url}/v1/track`, { method: 'POST', headers, body: '{}' })
    t.match(await answer.json(), { code: 'configuration_behind' })
    t.match(answer.headers.get('retry-after'), /^\d+$/)
    await own.restart()
    await until(async () => (await statusWith('wk_unknown', b.url)) === 401, {
      what: 'b to have read the topic',
      timeoutMs: 60_000
    })
  }
)

await t.test(
  'a fleet that starts without a configuration creates one source, and one server prints the key',
  async t => {
    const fleet = testFleet(t, kafka.brokers)
    const [a, b] = await Promise.all([fleet.server('a', { CONFIG_FILE: '' }), fleet.server('b', { CONFIG_FILE: '' })])
    await Promise.all([a.start(), b.start()])
    await Promise.all([a.ready(), b.ready()])
    const { stdout } = await fleet.tributary(['keys', 'list'])
    t.match(stdout, /default +wk_/)
  }
)
