/** A messageId without a visible character does not distinguish events, so it counts as missing. */
import t from 'tap'
import { post, startApp } from '../../support/app.ts'

/** As JSON spells them. */
const BLANKS = [
  ...[
    '',
    ' ',
    '   ',
    '\\t',
    '\\n',
    '\\r\\n',
    '\\u0000',
    '\\u007f',
    '\u00a0',
    '\\u00a0',
    '\u00ad',
    '\u1680',
    '\u2003',
    '\u2028'
  ],
  ...[
    '\u200b',
    '\\u200b',
    '\u200c\u200d',
    '\u202f',
    '\u2060',
    '\u3000',
    '\u3164',
    '\ufeff',
    '\u2800',
    ' \u200b\\t\u00a0 ',
    '\u{e0020}'
  ]
]
const VISIBLE = ['-', ' x ', '\u200b1', '0', '\u00e9', '\u{1f600}', '\\ud800', 'null', '"'.padStart(2, '\\')]

const eventOf = (id: string, name: string): string =>
  `{"type":"track","userId":"u","event":"${name}","messageId":"${id}"}`

for (const [way, send] of Object.entries({
  alone: (url: string, events: readonly string[]) =>
    Promise.all(events.map(event => post(`${url}/v1/track`, event))).then(answers =>
      answers.map(({ status }) => status)
    ),
  'in a batch': (url: string, events: readonly string[]) =>
    post(`${url}/v1/batch`, `{"batch":[${events.join()}]}`).then(({ status }) => [status])
})) {
  t.test(`${way}: events with a blank messageId are all published, each with its own new id`, async t => {
    const { url, sink } = await startApp(t)
    for (const id of BLANKS) {
      const statuses = await send(
        url,
        ['first', 'second', 'third'].map(name => eventOf(id, name))
      )
      t.same(new Set(statuses), new Set([200]))
      const records = sink.records.splice(0)
      const ids = records.map(({ line }) => (JSON.parse(line.toString()) as { messageId: string }).messageId)
      t.equal(new Set(ids).size, 3, encodeURIComponent(id))
      for (const made of ids) t.match(made, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      t.same(
        records.map(({ messageId }) => messageId),
        ids,
        'the header has the same id'
      )
    }
  })

  t.test(`${way}: an id with a visible character is kept, and recognised when it is sent again`, async t => {
    const { url, sink } = await startApp(t)
    for (const id of VISIBLE) {
      for (let i = 0; i < 2; i++) await send(url, [eventOf(id, 'e')])
      const records = sink.records.splice(0)
      t.equal(records.length, 1, encodeURIComponent(id))
      t.ok(records[0]?.line.includes(`"messageId":"${id}"`), 'the id is published unchanged')
    }
  })
}
