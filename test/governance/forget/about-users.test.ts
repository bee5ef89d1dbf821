import t from 'tap'
import { aboutUsers } from '../../../src/governance/forget/about-users.ts'
import { createHasher } from '../../../src/governance/privacy/hash.ts'

const line = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`)

t.test(
  'a record is about a user if its userId, anonymousId or previousId equals the id exactly, whatever else it holds',
  async t => {
    const { isGone } = aboutUsers(['a"b', '4711', 'ü'])
    for (const key of ['userId', 'anonymousId', 'previousId']) {
      t.ok(isGone(line({ [key]: 'a"b' })), key)
      t.ok(
        isGone(line({ event: { [key]: 4711 }, code: 'id_not_string' })),
        `a refused event with a number as its ${key} is erased`
      )
    }
    t.ok(isGone(Buffer.from('{"userId":"\\u00fc"}\n')), 'an id with escapes is found')
    for (const other of [
      { userId: 'a"b ' },
      { userId: 'A"B' },
      { userId: 'x', properties: { userId: 'a"b' } },
      { groupId: '4711' },
      { event: null },
      [],
      null
    ]) {
      t.notOk(isGone(line(other)), JSON.stringify(other))
    }
  }
)

t.test('a refused event or body that is text or bytes is erased if it contains an id', async t => {
  const { isGone, mayHold } = aboutUsers(['user-1'])
  t.ok(isGone(line({ event: '{"userId":"user-1",NaN}' })))
  t.ok(isGone(line({ kind: 'body', body: '{"userId":"user\\u002d1"', encoding: 'utf-8' })))
  t.ok(
    isGone(line({ kind: 'body', body: Buffer.from('\xff user-1', 'latin1').toString('base64'), encoding: 'base64' }))
  )
  const wide = Buffer.from('user-1', 'utf16le')
  t.ok(isGone(line({ event: wide.toString('base64'), encoding: 'base64' })), 'an id in UTF-16 is found')
  t.ok(mayHold(Buffer.concat([Buffer.of(0xff), wide])), 'an id next to a byte that is not UTF-8 is found')
  t.notOk(isGone(line({ kind: 'body', body: '{"userId":"user-2"', encoding: 'utf-8' })))
})

t.test('everywhere: records of other users are erased too if they contain an id', async t => {
  const mention = line({ userId: 'x', properties: { friend: 'see user-1!' } })
  t.notOk(aboutUsers(['user-1']).isGone(mention))
  t.ok(aboutUsers(['user-1'], { everywhere: true }).isGone(mention))
  const escaped = Buffer.from('{"userId":"x","properties":{"user\\u002d1":1}}\n')
  t.ok(aboutUsers(['user-1'], { everywhere: true }).isGone(escaped))
})

t.test('with the key of the hashes, hashed ids are found', async t => {
  const hashed = line({ userId: createHasher('the key')('user-1') })
  t.ok(aboutUsers(['user-1'], { hashKey: 'the key' }).isGone(hashed))
  t.notOk(aboutUsers(['user-1']).isGone(hashed))
  t.notOk(aboutUsers(['user-1'], { hashKey: 'another' }).isGone(hashed))
})
