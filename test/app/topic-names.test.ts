import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { configCheck } from '../../src/cli/config/config-check.ts'
import { MAIN, run } from '../cli/run.ts'
import { startApp } from '../support/app.ts'
import { until } from '../support/until.ts'

const SOURCES = `
sources:
  - { id: web, writeKeys: [wk_aaaaaaaaaaaaaaaaaaaa] }
  - { id: ios, writeKeys: [wk_bbbbbbbbbbbbbbbbbbbb] }
`
const withDestination = (entry: string): string => `${SOURCES}destinations:\n  - { name: Ads, ${entry} }\n`

interface Case {
  readonly says: string
  readonly env: Record<string, string>
  readonly config?: string
  /** The messages of the start and of `config check`. */
  readonly refused?: RegExp
  readonly warned?: RegExp
}

const V = 'VIOLATIONS_TOPIC'
const AT_ADS = String.raw`tributary\.yml:6:\d+: destinations\[0\]\.topic`
const CASES: readonly Case[] = [
  { says: 'violations and events', env: { [V]: 'tributary.events' }, refused: /EVENTS_TOPIC: .*VIOLATIONS_TOPIC/ },
  {
    says: 'violations and rejected events',
    env: { [V]: 'tributary.rejected' },
    refused: /REJECTED_TOPIC: .*VIOLATIONS_/
  },
  {
    says: 'violations of one source and events of one type',
    env: { EVENTS_TOPIC: '{type}.{source}', [V]: 'page.{source}' },
    refused: /EVENTS_TOPIC: the topic page\.web is also that of VIOLATIONS_TOPIC/
  },
  {
    says: 'violations and rejected events of an unknown type',
    env: { REJECTED_TOPIC: 'bad.{type}', [V]: 'bad.unknown' },
    refused: /REJECTED_TOPIC: the topic bad\.unknown/
  },
  { says: 'violations and a name that no event has', env: { EVENTS_TOPIC: 'all.{type}', [V]: 'all.unknown' } },
  {
    says: 'violations and a destination',
    env: { [V]: 'ads' },
    config: withDestination('topic: ads'),
    refused: new RegExp(`${AT_ADS}: the topic ads is also that of VIOLATIONS_TOPIC`)
  },
  {
    says: 'violations and a destination for another source',
    env: { [V]: 'ads.{source}' },
    config: withDestination("topic: 'ads.{source}', sources: [ios]"),
    refused: /the topic ads\.ios is/
  },
  {
    says: 'violations and a destination whose types make other names',
    env: { [V]: 'ads.page' },
    config: withDestination("topic: 'ads.{type}', types: [track]")
  },
  {
    says: 'rejected events and events',
    env: { REJECTED_TOPIC: 'tributary.events' },
    warned: /EVENTS_TOPIC: .*REJECTED_TOPIC/
  },
  {
    says: 'rejected events and a destination',
    env: {},
    config: withDestination('topic: tributary.rejected'),
    warned: new RegExp(`${AT_ADS}: the topic tributary\\.rejected is also that of REJECTED_TOPIC`)
  },
  { says: 'events and a destination', env: {}, config: withDestination('topic: tributary.events') },
  {
    says: 'a destination without Kafka',
    env: {},
    config: withDestination('topic: ads'),
    warned: /destinations have no effect without KAFKA_BROKERS: every event goes to DATA_DIR\/events/
  },
  { says: 'names of which one begins with the other', env: { [V]: 'tributary.events.violations' } }
]

/** Only a fleet with Kafka has them. */
const FLEET = { FLEET: 'true', FLEET_NAME: 'shop', KAFKA_BROKERS: '127.0.0.1:1' }
const OF_A_FLEET: readonly Case[] = [
  { says: 'events and a fleet', env: { EVENTS_TOPIC: 'shop.fleet.config' }, refused: /EVENTS_TOPIC: .*the fleet/ },
  { says: 'rejected and a fleet', env: { REJECTED_TOPIC: 'shop.fleet.seen' }, refused: /REJECTED_TOPIC: .*the fleet/ },
  { says: 'violations and a fleet', env: { [V]: 'shop.fleet.members' }, refused: /VIOLATIONS_TOPIC: .*the fleet/ },
  {
    says: 'a destination and a fleet',
    env: {},
    config: withDestination("topic: 'shop.fleet.config'"),
    refused: new RegExp(`${AT_ADS}: .*the fleet`)
  },
  { says: 'events and another fleet', env: { EVENTS_TOPIC: 'other.fleet.config' } }
]
const FLEET_CASES = OF_A_FLEET.map(each => ({ ...each, env: { ...FLEET, ...each.env } }))

/** `tributary config check` in this process. Other tests cover the command line. */
async function check(t: Test, config: string, env: Record<string, string>): Promise<{ out: string; noted: string }> {
  const dir = t.testdir({ 'tributary.yml': config })
  const [before, folder] = [process.env, process.cwd()]
  const [out, noted]: [string[], string[]] = [[], []]
  process.env = { PATH: before['PATH'], ...env }
  process.chdir(dir)
  try {
    await configCheck.run([], { out: text => void out.push(text), note: text => void noted.push(text) })
  } finally {
    process.chdir(folder)
    process.env = before
  }
  return { out: out.join('\n'), noted: noted.join('\n') }
}

t.test('config check names a topic that would get two kinds of records, with its place in the file', async t => {
  for (const { says, env, config = SOURCES, refused, warned } of [...CASES, ...FLEET_CASES]) {
    await t.test(says, async t => {
      if (refused !== undefined) {
        await t.rejects(check(t, config, env), refused)
        return
      }
      const { out, noted } = await check(t, config, env)
      t.match(out, 'tributary.yml: valid')
      if (warned === undefined) t.notMatch(noted, /is also that of/)
      else t.match(noted, new RegExp(`^warning: .*${warned.source}`))
    })
  }
})

t.test('destinations that have no effect are warned of, also after an edit, and no others are', async t => {
  const effect = /destinations have no effect without KAFKA_BROKERS/
  const quiet = [SOURCES, withDestination('topic: ads, enabled: false')]
  for (const config of quiet)
    t.equal((await check(t, config, {})).noted, '', 'a file without destinations for topics causes no warning')
  t.equal((await check(t, withDestination('topic: ads'), { KAFKA_BROKERS: '127.0.0.1:1' })).noted, '')

  const logged = new PassThrough({ encoding: 'utf8' })
  const { dir } = await startApp(t, { config: SOURCES, logger: pino({ level: 'warn' }, logged) })
  let text = ''
  logged.on('data', (chunk: string) => (text += chunk))
  t.notMatch(text, effect)
  writeFileSync(join(dir, 'tributary.yml'), withDestination('topic: ads'))
  await until(() => effect.test(text), { what: 'the warning about the changed file' })
})

t.test('the same topics end a start, or cause a warning in its log', async t => {
  for (const { says, env, config = SOURCES, refused, warned } of CASES) {
    await t.test(says, async t => {
      const logged = new PassThrough({ encoding: 'utf8' })
      const logger = pino({ level: 'warn' }, logged)
      const started = startApp(t, { env, config, logger })
      if (refused !== undefined) {
        await t.rejects(started, refused)
        return
      }
      await started
      const text = String(logged.read() ?? '')
      if (warned === undefined) t.notMatch(text, /is also that of/)
      else t.match(text, warned)
    })
  }
})

t.test('config check works without the variables, and says what it did not compare', async t => {
  const { out, noted } = await check(t, SOURCES, { PORT: 'x', [V]: 'tributary.events' })
  t.match(out, 'valid')
  t.match(noted, /^warning: the topics were not compared, because some variables are wrong/)
})

t.test('config check says where the server would not start because the hash key is missing', async t => {
  const config = `${SOURCES}privacy: { hash: [userId] }\n`
  t.match(
    (await check(t, config, {})).out,
    /valid .*\n.*not usable with these variables: privacy hashes .* set PRIVACY_HASH_KEY/
  )
  t.notMatch((await check(t, config, { PRIVACY_HASH_KEY: 'k'.repeat(16) })).out, 'not usable')
})

t.test('doctor names these topics too', async t => {
  const dir = t.testdir({ 'tributary.yml': SOURCES })
  writeFileSync(join(dir, 'rejected.yml'), withDestination('topic: tributary.rejected'))
  const doctor = (env: Record<string, string>) => run(process.execPath, [MAIN, 'doctor'], { cwd: dir, env })
  t.match((await doctor({ VIOLATIONS_TOPIC: 'tributary.events' })).stdout, /✗ .*EVENTS_TOPIC: .*VIOLATIONS_TOPIC/)
  t.match((await doctor({ CONFIG_FILE: 'rejected.yml' })).stdout, /! .*rejected\.yml:6:\d+: .*REJECTED_TOPIC/)
})
