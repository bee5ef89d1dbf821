import t from 'tap'
import { parseTributaryFile } from '../../../src/config/file/tributary-file.ts'
import { addAppKeyText, addAppText, removeAppKeyText, removeAppText } from '../../../src/keys/edit/edit-apps.ts'
import { makeKey } from '../../support/oauth.ts'

const KEYS = ['k1', 'k2', 'k3'].map(kid => ({ kid, pem: makeKey(kid, 'ES256').publicPem }))
const [K1, K2, K3] = KEYS as [(typeof KEYS)[0], (typeof KEYS)[0], (typeof KEYS)[0]]

const SOURCES = `# who sends
sources:
  - id: web            # the site
    writeKeys: [wk_a]

# Besides the topic of all events:
#
# destinations:
#   - name: A`

const BILLING = { id: 'billing', key: K1, sources: ['web'], ttl: '12h' } as const
const GATE = { id: 'gate:1@eu', key: K2, sources: undefined, ttl: undefined } as const

const appsOf = (text: string) => parseTributaryFile(text, 'tributary.yml').file.apps ?? []

for (const [layout, eol] of [
  ['lines that end in LF', '\n'],
  ['lines that end in CRLF', '\r\n']
] as const) {
  t.test(`Apps and keys can be added and removed, and nothing else changes: ${layout}`, async t => {
    const bare = SOURCES.replaceAll('\n', eol)
    for (const before of [bare, bare + eol]) {
      const one = addAppText(before, BILLING)
      t.ok(one.startsWith(before), 'the lines before the apps are unchanged')
      t.strictSame(appsOf(one), [
        { id: 'billing', publicKeys: [K1], sources: ['web'], scope: 'tracking_api:write', ttlSeconds: 43_200 }
      ])
      const two = addAppText(one, GATE)
      t.ok(two.startsWith(one))
      const rotated = addAppKeyText(addAppKeyText(two, 'billing', K2), 'billing', K3)
      t.strictSame(appsOf(rotated)[0]?.publicKeys, KEYS)
      t.strictSame(appsOf(rotated)[1], appsOf(two)[1])
      t.equal(
        removeAppKeyText(removeAppKeyText(rotated, 'billing', 'k3'), 'billing', 'k2'),
        two,
        'the text is the same as before the keys were added'
      )
      t.strictSame(appsOf(removeAppKeyText(rotated, 'billing', 'k1'))[0]?.publicKeys, [K2, K3])
      t.equal(removeAppText(two, 'gate:1@eu'), one)
      t.strictSame(
        appsOf(removeAppText(two, 'billing')).map(({ id }) => id),
        ['gate:1@eu']
      )
      const none = removeAppText(one, 'billing')
      t.strictSame(appsOf(none), [])
      t.equal(none.trimEnd(), before.trimEnd(), 'when the last app is removed, the list is removed as well')
      t.notMatch(two.replaceAll('\r\n', ''), eol === '\n' ? /\r/ : /\n/, 'the text has only one kind of line end')
    }
  })
}

t.test('An app in the middle of the file is removed with its own comments', async t => {
  const whole = addAppText(addAppText(SOURCES, BILLING), GATE)
  const apps = whole.slice(whole.indexOf('apps:'))
  const text = `${apps.replace('  - id: billing', '  # the invoices\n  - id: billing # old')}
# who sends
sources:
  - id: web
    writeKeys: [wk_a]
`
  const after = removeAppText(text, 'billing')
  t.notMatch(after, /invoices|billing|old/)
  t.match(after, '# who sends\nsources:')
  t.strictSame(
    appsOf(after).map(({ id }) => id),
    ['gate:1@eu']
  )
  const none = removeAppText(after, 'gate:1@eu')
  t.equal(none.trim(), '# who sends\nsources:\n  - id: web\n    writeKeys: [wk_a]')
})

t.test('Lists in brackets, as in JSON, are edited too', async t => {
  const sources = [{ id: 'web', writeKeys: ['wk_a'] }]
  const apps = [{ id: 'billing', publicKeys: [K1] }]
  for (const text of [JSON.stringify({ sources, apps }), JSON.stringify({ sources, apps }, null, 2)]) {
    const more = addAppText(addAppKeyText(text, 'billing', K2), GATE)
    t.strictSame(JSON.parse(more), {
      sources,
      apps: [
        { id: 'billing', publicKeys: [K1, K2] },
        { id: GATE.id, publicKeys: [K2] }
      ]
    })
    t.strictSame(JSON.parse(removeAppKeyText(removeAppText(more, GATE.id), 'billing', 'k1')), {
      sources,
      apps: [{ id: 'billing', publicKeys: [K2] }]
    })
    t.throws(() => removeAppText(text, 'billing'), /edit it by hand/)
  }
  t.throws(() => addAppText(JSON.stringify({ sources }), BILLING), /edit it by hand/)
  t.throws(() => addAppText(`${SOURCES}\napps: []\n`, BILLING), /edit it by hand/)
})
