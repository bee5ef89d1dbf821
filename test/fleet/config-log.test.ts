import t from 'tap'
import { ConfigLog, KEPT_VERSIONS } from '../../src/fleet/config/config-log.ts'
import { claimKey, configKey } from '../../src/fleet/config/version.ts'

let offset = 0n
const record = (key: string, value: object | null) => ({
  offset: offset++,
  at: 0,
  key,
  value: value === null ? null : Buffer.from(JSON.stringify(value))
})
const version = (number: number, text = `v${number}`) =>
  record(configKey(number), { version: number, base: number - 1, text, by: 'a', why: 'b', at: 'c' })
const claim = (number: number, id: string) => record(claimKey(number), { id, by: 'a' })

t.test('the highest version is in force, in whatever order versions arrive', async t => {
  const log = new ConfigLog(() => 0)
  t.equal(log.current, undefined)
  t.ok(log.take([version(1), version(2)]))
  t.equal(log.current?.text, 'v2')
  t.notOk(log.take([version(1, 'late')]), 'an older version that arrives late changes nothing')
  t.equal(log.current?.text, 'v2')
  t.ok(log.take([version(4)]), 'a version that was claimed but never written is skipped')
  t.same(
    log.history().map(one => one.version),
    [1, 2, 4]
  )
})

t.test('the first claim for a version holds until the version exists', async t => {
  const log = new ConfigLog(() => 7)
  log.take([claim(1, 'first'), claim(1, 'second'), claim(2, 'third')])
  t.same(log.holderOf(1), { id: 'first', by: 'a', since: 7 })
  t.equal(log.holderOf(2)?.id, 'third')
  log.take([version(1)])
  t.equal(log.holderOf(2)?.id, 'third')
})

t.test('a record that does not belong to the topic is skipped', async t => {
  const log = new ConfigLog(() => 0)
  const odd = ['config/0', 'config/x', 'config/1.5', 'claim/', 'other', '']
  log.take([...odd.map(key => record(key, { version: 1 })), record(configKey(1), { version: 2, base: 1, text: 'x' })])
  log.take([{ offset: offset++, at: 0, key: configKey(1), value: Buffer.from('{') }])
  t.equal(log.current, undefined)
  t.equal(log.lastOffset, offset - 1n)
})

t.test('only the last versions are kept', async t => {
  const log = new ConfigLog(() => 0)
  for (let number = 1; number <= KEPT_VERSIONS + 5; number++) log.take([version(number)])
  t.equal(log.history().length, KEPT_VERSIONS)
  t.equal(log.history()[0]?.version, 6)
})
