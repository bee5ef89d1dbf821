import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { MAIN, run } from './run.ts'

const FIXTURES = new URL('../fixtures/plans/', import.meta.url).pathname
const tributary = (cwd: string, ...args: string[]) => run(process.execPath, [MAIN, ...args], { cwd })

t.test('a plan is imported, checked against events with a JUnit report, and compared with a later plan', async t => {
  const dir = t.testdir()
  const pages = ['plan.json', 'rules-1.json', 'rules-2.json'].map(name => join(FIXTURES, 'segment-public-api', name))
  const imported = await tributary(dir, 'plan', 'import', ...pages, '--out', 'shop.yml')
  t.equal(imported.code, 0, imported.stderr)
  t.match(
    imported.stderr,
    /^rules of Segment's Public API: 14 rules and a common schema\n(.*\n)* {2}\d+ x \$schema dropped/
  )

  const events = [
    { type: 'track', event: 'Signed Up', properties: { plan: 'free' } },
    { type: 'track', event: 'Signed Up', properties: { plan: 'gold' } },
    { type: 'track', event: 'Signed <Down>', properties: {} },
    {
      event: { type: 'track', event: 'Signed Up', properties: { plan: 'pro', colour: 'red' } },
      code: 'unplanned_property'
    }
  ]
  writeFileSync(join(dir, 'events.ndjson'), `${events.map(event => JSON.stringify(event)).join('\n')}\nnot JSON\n`)
  const checked = await tributary(dir, 'plan', 'check', 'events.ndjson', '--plan', 'shop.yml', '--junit', 'junit.xml')
  t.equal(checked.code, 1)
  t.match(checked.stdout, /^track Signed Up: 2 of 3 do not fit\n {2}1 x violation properties\.plan: .*\(line 2\)/)
  t.match(checked.stdout, /unplanned_property properties\.colour: .*\(line 4\)/)
  t.match(checked.stderr, /3 of 4 events do not fit the plan; 1 lines hold no event/)
  const junit = readFileSync(join(dir, 'junit.xml'), 'utf8')
  t.match(junit, /<testsuites tests="2" failures="2">/)
  t.match(
    junit,
    /name="track Signed &lt;Down&gt;"><failure message="1 of 1 events do not fit the plan">unplanned_event/
  )

  writeFileSync(join(dir, 'good.ndjson'), `${JSON.stringify(events[0])}\n`)
  const good = await tributary(dir, 'plan', 'check', 'good.ndjson', '--plan', 'shop.yml', '--junit', 'good.xml')
  t.equal(good.code, 0, good.stderr)
  t.match(readFileSync(join(dir, 'good.xml'), 'utf8'), /<testcase classname="tracking plan" name="track Signed Up"\/>/)

  const later = readFileSync(join(dir, 'shop.yml'), 'utf8').replace(/^ *- free\n/m, '')
  writeFileSync(join(dir, 'later.yml'), later)
  const same = await tributary(dir, 'plan', 'diff', 'shop.yml', 'shop.yml')
  t.equal(same.code, 0)
  const broken = await tributary(dir, 'plan', 'diff', 'shop.yml', 'later.yml')
  t.equal(broken.code, 1)
  t.match(broken.stdout, /^breaking {2}track Signed Up: properties\.plan takes fewer values: without \["free"\]/)
  t.equal((await tributary(dir, 'plan', 'diff', 'later.yml', 'shop.yml')).code, 0)
})

t.test('a plan is exported for Typewriter, and what Typewriter does not support is counted', async t => {
  const track = { type: 'track', event: 'Order', schema: { properties: { properties: { required: ['id'] } } } }
  const plan = (rules: object[]) => JSON.stringify({ id: 'rs_1', name: 'Shop', rules })
  const dir = t.testdir({
    'shop.json': plan([track, { ...track, version: 2 }, { type: 'identify', schema: true }]),
    'none.json': plan([{ type: 'identify', schema: true }])
  })
  const exported = await tributary(dir, 'plan', 'export', 'shop.json', '--out', 'plan.json')
  t.match(exported, {
    code: 0,
    stdout: '',
    stderr: '1 track event; 2 rules left out, which Typewriter does not know\n'
  })
  const written = JSON.parse(readFileSync(join(dir, 'plan.json'), 'utf8')) as object
  t.match(written, { id: 'rs_1', rules: [{ key: 'Order', version: 2, jsonSchema: { required: ['id'] } }] })
  t.strictSame(JSON.parse((await tributary(dir, 'plan', 'export', 'shop.json')).stdout), written)
  t.match(await tributary(dir, 'plan', 'export', 'none.json'), { code: 1, stderr: /no rule for a track event/ })
  t.match(await tributary(dir, 'plan', 'export', 'missing.json'), { code: 1, stderr: /missing\.json/ })
  t.match(await tributary(dir, 'plan', 'export'), { code: 2 })
})

t.test('missing folders on the path of a result are created', async t => {
  const dir = t.testdir()
  const rules = join(FIXTURES, 'segment-public-api', 'rules-1.json')
  for (const args of [
    ['import', rules, '--out', 'plans/shop.yml'],
    ['export', 'plans/shop.yml', '--out', 'src/analytics/plan.json'],
    ['check', rules, '--plan', 'plans/shop.yml', '--junit', 'reports/plan.xml']
  ]) {
    const { stderr } = await tributary(dir, 'plan', ...args)
    t.notMatch(stderr, 'ENOENT', args.join(' '))
    t.ok(readFileSync(join(dir, args.at(-1) ?? ''), 'utf8'), 'the result is not empty')
  }
})

t.test('an unusable plan is refused, with the position of the fault', async t => {
  const dir = t.testdir({
    'p.yml': 'name: p\nrules:\n  - type: track\n    event: E\n    schema: { pattern: "(?=a)" }\n',
    'e.ndjson': ''
  })
  const { code, stderr } = await tributary(dir, 'plan', 'check', 'e.ndjson', '--plan', 'p.yml')
  t.equal(code, 1)
  t.match(stderr, /^p\.yml:5:24: rules\[0\]\.schema\.pattern: not a pattern that RE2 takes/)
})
