/** Two versions of the server may run in one fleet, because an upgrade replaces one server after the other. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { followConfigTopic } from '../../src/fleet/config/config-topic.ts'
import { editConfig } from '../../src/fleet/config/edit.ts'
import { followMembers } from '../../src/fleet/members/members.ts'
import { agreeOnSeed } from '../../src/fleet/seen/seed.ts'
import { readsConfigRecord, readsHeartbeat } from '../fixtures/fleet-of-0.2.0/readers.ts'
import { MemoryTopics } from '../support/memory-topics.ts'
import { until } from '../support/until.ts'

interface Kept {
  readonly key: string
  readonly value: object
}

const FILE = new URL('../fixtures/fleet-of-0.2.0/records.json', import.meta.url)
const kept = JSON.parse(readFileSync(FILE, 'utf8')) as Readonly<Record<'config' | 'members', readonly Kept[]>>
const written = (records: readonly Kept[]) =>
  records.map(({ key, value }) => ({ key, value: Buffer.from(JSON.stringify(value)) }))

t.test('this version reads what a server of 0.2.0 wrote: its configuration, its claim, its heartbeat', async t => {
  const topics = new MemoryTopics()
  await topics.write(topics.names.config, written(kept.config))
  await topics.write(topics.names.members, written(kept.members))
  const { log } = followConfigTopic({ topics })
  t.match(log.current, { version: 1, base: 0, by: 'a', text: /^sources:/ })
  const members = followMembers({ topics, self: undefined })
  t.match(members.live(), [{ name: 'a', version: '0.2.0', config: { version: 1 }, demand: { web: [120, 12] } }])
  await members.close()
})

t.test('a server of 0.2.0 reads or skips what this version writes', async t => {
  const topics = new MemoryTopics()
  const topic = followConfigTopic({ topics })
  await agreeOnSeed(topic, [1, 2])
  await editConfig(topic, { make: () => 'sources: []\n', by: 'b', why: 'a test' })
  const self = () => ({
    name: 'b',
    instance: 'i',
    startedAt: 1,
    version: '9.9.9',
    adminUrl: 'http://b',
    config: { version: 1, hash: '', problem: null },
    kafka: { reached: true, problem: null },
    backlogBytes: 0,
    demand: {}
  })
  const members = followMembers({ topics, self })
  await until(() => topics.records(topics.names.members).length > 0, { what: 'a heartbeat record', timeoutMs: 30_000 })
  await members.close()
  const { config, members: beats } = topics.names
  t.same(
    topics.records(config).map(({ key, value }) => readsConfigRecord(key, value)),
    ['passed over', 'claim', 'version']
  )
  t.ok(topics.records(beats).length >= 2, 'there is a record of a live server and a record of a server that leaves')
  for (const { value } of topics.records(beats)) t.ok(readsHeartbeat(value), String(value))
})
