import { createHmac } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { createHasher } from '../../src/governance/privacy/hash.ts'
import { applyIpPolicy } from '../../src/governance/privacy/ip.ts'
import { MemberEdits } from '../../src/governance/privacy/member-edits.ts'
import { compileRules } from '../../src/governance/privacy/rules.ts'
import { splice } from '../../src/ingest/govern/splice.ts'
import type { PrivacyConfig } from '../../src/model/governance/privacy.ts'
import { NO_PRIVACY } from '../../src/model/governance/privacy.ts'

const SECRET = 'a secret of the tests'
const hmac = (text: string): string => createHmac('sha256', SECRET).update(text).digest('hex')

/** What rules make of the JSON of `properties`. */
function applied(json: string, rules: Partial<PrivacyConfig>, root = 'properties'): string {
  const compiled = compileRules({ ...NO_PRIVACY, ...rules }, createHasher(SECRET))
  const bytes = Buffer.from(json)
  const found = new MemberEdits(bytes, compiled)
  found.value(0, compiled.roots.get(root))
  return splice(bytes, found.edits).toString()
}

t.test('An address loses its last octet or its last 80 bits, and an invalid address is not kept', async t => {
  for (const [address, truncated] of [
    ['203.0.113.77', '203.0.113.0'],
    ['0.0.0.0', '0.0.0.0'],
    [' 203.0.113.77 ', '203.0.113.0'],
    ['2001:db8:85a3:8d3:1319:8a2e:370:7348', '2001:db8:85a3::'],
    ['2001:db8::1', '2001:db8::'],
    ['::1', '::'],
    ['fe80::1%eth0', 'fe80::'],
    ['::ffff:203.0.113.77', '::ffff:203.0.113.0'],
    ['::ffff:cb00:714d', '::ffff:203.0.113.0'],
    ['0:0:0:0:0:ffff:203.0.113.77', '::ffff:203.0.113.0'],
    ['2002:cb00:714d::1', '2002:cb00:7100::'],
    ['64:ff9b::203.0.113.77', '64:ff9b::'],
    ['203.0.113.77, 10.0.0.1', undefined],
    ['203.0.113.77:443', undefined],
    ['somewhere', undefined],
    ['', undefined]
  ] as const) {
    t.equal(applyIpPolicy('truncate', address), truncated, address)
    t.equal(applyIpPolicy('keep', address), address)
    t.equal(applyIpPolicy('drop', address), undefined)
  }
})

t.test('A hash is an HMAC of the text, equal for all spellings of an e-mail address; an old hash is kept', async t => {
  const hash = createHasher(SECRET)
  t.equal(hash('user-1'), hmac('user-1'))
  t.equal(hash(' User-1'), hmac(' User-1'), 'only an e-mail address is trimmed')
  for (const spelling of ['ann@example.com', ' Ann@Example.COM ', 'ANN@EXAMPLE.COM\n']) {
    t.equal(hash(spelling), hmac('ann@example.com'))
  }
  t.equal(hash(hmac('x')), hmac('x'))
  t.equal(hash(hmac('x').toUpperCase()), hmac('x').toUpperCase())
  t.equal(hash(''), '')
})

t.test('A rule removes the member and one comma, and leaves every other byte unchanged', async t => {
  const drop = ['properties.a']
  for (const [json, left] of [
    ['{"a":1}', '{}'],
    ['{ "a" : 1 }', '{  }'],
    ['{"a":1,"b":1.10}', '{"b":1.10}'],
    ['{"b":12345678901234567890,"a":1}', '{"b":12345678901234567890}'],
    ['{"b": 1 , "a" : {"c":[1,{"d":"}\\""}]} , "e":2}', '{"b": 1 , "e":2}'],
    ['{"a":1,"a":2,"b":3,"a":[4]}', '{"b":3}'],
    ['{"\\u0061":"x","A":"\\u0041"}', '{"A":"\\u0041"}'],
    ['{"b":{"a":1}}', '{"b":{"a":1}}'],
    ['[{"a":1}]', '[{"a":1}]'],
    ['"a"', '"a"'],
    ['null', 'null'],
    ['{}', '{}']
  ] as const) {
    t.equal(applied(json, { drop }), left, json)
  }
})

t.test(
  'Paths match through arrays and any key, patterns find keys at any depth, and dropped values are not hashed',
  async t => {
    const h = (text: string): string => `"${hmac(text)}"`
    for (const [json, rules, left] of [
      ['{"p":[{"x":1,"y":2},{"x":3}],"x":4}', { drop: ['properties.p.*.x'] }, '{"p":[{"y":2},{}],"x":4}'],
      ['{"p":["a","b","c"]}', { drop: ['properties.p.1'] }, '{"p":["a","c"]}'],
      [
        '{"p":["a"," A@b.C ",null,7,true]}',
        { hash: ['properties.p'] },
        `{"p":[${h('a')},${h('a@b.c')},null,${h('7')},${h('true')}]}`
      ],
      ['{"o":{"i":1.10,"j":{"k":"v"}}}', { hash: ['properties.o'] }, `{"o":{"i":${h('1.10')},"j":{"k":${h('v')}}}}`],
      [
        '{"userEmail":"a@b.c","n":{"EMAIL":"a@b.c","mail":"x"}}',
        { hashKeys: ['*email*'] },
        `{"userEmail":${h('a@b.c')},"n":{"EMAIL":${h('a@b.c')},"mail":"x"}}`
      ],
      ['{"token":1,"a_token_b":2,"n":[{"xToken":3}],"tok":4}', { dropKeys: ['*token*'] }, '{"n":[{}],"tok":4}'],
      ['{"ab":1,"aXb":2,"abb":3,"b":4}', { dropKeys: ['a*b'] }, '{"b":4}'],
      ['{"aa":1,"a":2}', { dropKeys: ['a*a'] }, '{"a":2}'],
      ['{"x":{"y":"v","z":1}}', { hash: ['properties.x'], drop: ['properties.x.z'] }, `{"x":{"y":${h('v')}}}`],
      ['{"x":"v"}', { hash: ['properties.x'], drop: ['properties.x'] }, '{}'],
      ['{"x":"v"}', { hash: ['properties.*'], dropKeys: ['X'] }, '{}'],
      ['{"x":null,"y":""}', { hash: ['properties.*'] }, '{"x":null,"y":""}']
    ] as const) {
      t.equal(applied(json, rules as Partial<PrivacyConfig>), left, json)
    }
    t.equal(
      applied('{"traits":{"email":"x"}}', { hash: ['traits.email'] }, 'context'),
      `{"traits":{"email":${h('x')}}}`
    )
    t.equal(applied('{"ip":"203.0.113.77","a":1}', { ip: 'truncate' }, 'context'), '{"ip":"203.0.113.0","a":1}')
    t.equal(applied('{"ip":"here","a":1}', { ip: 'truncate' }, 'context'), '{"a":1}')
    t.equal(applied('{"ip":"0.0.0.0","a":1}', { ip: 'truncate' }, 'context'), '{"ip":"0.0.0.0","a":1}')
    t.equal(applied('{"a":1,"ip":null}', { ip: 'drop' }, 'context'), '{"a":1,"ip":null}')
  }
)

interface Node {
  readonly raw?: string
  readonly items?: readonly Node[]
  readonly members?: readonly (readonly [key: string, value: Node])[]
}

const KEYS = ['a', 'b', 'email', 'x"y', 'ä', '0'] as const
const raws = fc.constantFrom(
  '1.10',
  '12345678901234567890',
  '-0',
  '1e3',
  'true',
  'null',
  '"v"',
  '"\\u0041\\n"',
  '"}],{"',
  '""'
)
const tree: fc.Arbitrary<Node> = fc.letrec<{ node: Node }>(tie => ({
  node: fc.oneof(
    { maxDepth: 4 },
    raws.map(raw => ({ raw })),
    fc.array(tie('node'), { maxLength: 3 }).map(items => ({ items })),
    fc.array(fc.tuple(fc.constantFrom(...KEYS), tie('node')), { maxLength: 5 }).map(members => ({ members }))
  )
})).node

/** @param blank stands between all tokens */
function render({ raw, items, members }: Node, blank = ''): string {
  if (raw !== undefined) return raw
  const inside = (parts: readonly string[]): string => blank + parts.join(`${blank},${blank}`) + blank
  if (items !== undefined) return `[${inside(items.map(item => render(item, blank)))}]`
  const pairs = (members ?? []).map(([key, value]) => `${JSON.stringify(key)}${blank}:${blank}${render(value, blank)}`)
  return `{${inside(pairs)}}`
}

type Rules = Pick<PrivacyConfig, 'drop' | 'hash' | 'dropKeys' | 'hashKeys'>

/** The same rules applied to the parsed tree; undefined for a dropped value. */
function expected(node: Node, path: readonly string[], rules: Rules, hashing = false): Node | undefined {
  const matches = (rule: string): boolean => {
    const segments = rule.split('.')
    return segments.length === path.length && segments.every((segment, at) => segment === '*' || segment === path[at])
  }
  const key = path.at(-1) ?? ''
  if (rules.drop.some(matches) || rules.dropKeys.includes(key)) return undefined
  const hashed = hashing || rules.hash.some(matches) || rules.hashKeys.includes(key)
  if (node.raw !== undefined) {
    if (!hashed || node.raw === 'null') return node
    const text = node.raw.startsWith('"') ? (JSON.parse(node.raw) as string) : node.raw
    return text === '' ? node : { raw: `"${hmac(text)}"` }
  }
  if (node.items !== undefined) {
    const items = node.items.map((item, index) => expected(item, [...path, String(index)], rules, hashed))
    return { items: items.filter(item => item !== undefined) }
  }
  const members = (node.members ?? []).flatMap(([name, value]) => {
    const kept = expected(value, [...path, name], rules, hashed)
    return kept === undefined ? [] : [[name, kept] as const]
  })
  return { members }
}

const segment = fc.constantFrom('*', 'a', 'b', 'email', 'x"y', 'ä', '0', '1')
const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map(segments => ['properties', ...segments].join('.'))
const keyRule = fc.constantFrom('a', 'b', 'email', 'x"y')
const ruleSets = fc.record({
  drop: fc.array(path, { maxLength: 2 }),
  hash: fc.array(path, { maxLength: 2 }),
  dropKeys: fc.array(keyRule, { maxLength: 1 }),
  hashKeys: fc.array(keyRule, { maxLength: 1 })
})

t.test('Random rules on random JSON change exactly the bytes that the rules name', async t => {
  fc.assert(
    fc.property(tree, ruleSets, (node, rules) => {
      const wanted = expected(node, ['properties'], rules) as Node
      if (applied(render(node), rules) !== render(wanted)) fail(render(node), rules)
      const spaced = applied(render(node, ' \n'), rules)
      if (!isDeepStrictEqual(JSON.parse(spaced), JSON.parse(render(wanted)))) fail(spaced, rules)
    }),
    { numRuns: 10_000 }
  )
  t.pass('10,000 documents were compared')
})

function fail(json: string, rules: object): never {
  throw new Error(`${json} by ${JSON.stringify(rules)}`)
}
