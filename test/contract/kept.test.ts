import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { compileContract } from '../../src/contract/compile.ts'
import { loadContract, resolvePath } from '../../src/contract/document.ts'
import { EVENT_TYPES } from '../../src/model/event-types.ts'
import { FIELDS } from '../support/random-members.ts'
import { readSamples } from '../support/samples.ts'

const file = new URL('../../openapi.yml', import.meta.url).pathname

/** Events with mostly valid fields, and some invalid ones. */
const EVENTS: fc.Arbitrary<Record<string, unknown>> = fc
  .record(Object.fromEntries(Object.entries(FIELDS).map(([name, texts]) => [name, fc.constantFrom(...texts)])), {
    requiredKeys: []
  })
  .map(fields => Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, JSON.parse(text as string)])))

t.test('the stored copy of openapi.yml equals openapi.yml', async t => {
  const dir = join(t.testdir(), 'cache')
  const parsed = loadContract(file)
  // Not strictSame: the document has a property named `constructor`, which tap takes for the class of the object.
  t.ok(isDeepStrictEqual(loadContract(file, dir), parsed), 'the parsed contract is equal')
  t.equal(readdirSync(dir).length, 1, 'the folder has one stored copy and no unfinished file')
  t.ok(isDeepStrictEqual(loadContract(file, dir), parsed), 'the stored copy is equal')
})

t.test('a changed document takes effect at once', async t => {
  const dir = t.testdir({ 'openapi.yml': 'paths: {}\ncomponents: { schemas: { A: true } }\n' })
  const changing = join(dir, 'openapi.yml')
  const read = (): unknown => loadContract(changing, join(dir, 'cache')).components.schemas
  t.strictSame(read(), { A: true })
  writeFileSync(changing, readFileSync(changing, 'utf8').replace('A: true', 'A: false'))
  t.strictSame(read(), { A: false })
})

t.test('a stored copy that cannot be read is made again', async t => {
  const dir = t.testdir({ cache: {} })
  const cache = join(dir, 'cache')
  loadContract(file, cache)
  for (const name of readdirSync(cache)) writeFileSync(join(cache, name), '{"paths":')
  t.ok(loadContract(file, cache).paths['/track'])
})

t.test('if nothing can be stored, the document is parsed at each start', async t => {
  const dir = t.testdir({ 'a-file': '' })
  t.ok(loadContract(file, join(dir, 'a-file', 'cache')).paths['/track'])
})

t.test('a broken document is a readable error, and is not stored', async t => {
  const dir = t.testdir({ 'openapi.yml': 'paths: [' })
  const load = (): unknown => loadContract(join(dir, 'openapi.yml'), join(dir, 'cache'))
  t.throws(load, /^cannot read the contract .*openapi\.yml: /)
  t.throws(load, /^cannot read the contract .*openapi\.yml: /)
})

t.test(
  'a contract that was compiled by an earlier start gives the same verdicts as one that is compiled now',
  async t => {
    const dir = join(t.testdir(), 'cache')
    const document = loadContract(file)
    const samples = [...readSamples().values()].flat().flatMap(({ events }) => events)
    const made = fc.sample(EVENTS, { numRuns: 1_000 })
    for (const mode of ['compatible', 'strict'] as const) {
      const fresh = compileContract({ document, mode })
      const first = compileContract({ document, mode, keepIn: dir })
      const second = compileContract({ document, mode, keepIn: dir })
      t.ok(
        isDeepStrictEqual(
          [second.constraints, second.envelopeConstraints],
          [fresh.constraints, fresh.envelopeConstraints]
        )
      )
      let refused = 0
      for (const event of [...samples, ...made]) {
        for (const type of EVENT_TYPES) {
          const call = { ...event, type }
          const expected = fresh.events[type](call)
          if (expected !== undefined) refused++
          for (const { events } of [first, second])
            if (!isDeepStrictEqual(events[type](call), expected)) t.fail(JSON.stringify([mode, call, expected]))
        }
        for (const batch of [
          { batch: [event] },
          { batch: event },
          { batch: [], ...event },
          { batch: Array(3_000).fill(1) }
        ])
          if (!isDeepStrictEqual(second.envelope(batch), fresh.envelope(batch))) t.fail(JSON.stringify([mode, batch]))
      }
      t.ok(refused > 100, `${mode}: more than 100 values were refused`)
    }
    t.equal(readdirSync(dir).length, 2, 'the folder has one file for each mode')
  }
)

t.test('code that was compiled for another contract, or for another limit, is not used', async t => {
  const dir = join(t.testdir(), 'cache')
  const document = structuredClone(loadContract(file))
  const envelope = (maxBatchEvents: number) =>
    compileContract({ document, mode: 'compatible', maxBatchEvents, keepIn: dir }).envelope
  t.equal(envelope(2)({ batch: [1, 2, 3] })?.pointer, '/batch')
  t.equal(envelope(3)({ batch: [1, 2, 3] }), undefined)
  resolvePath(document, ['components', 'schemas', 'BatchCall']).node['required'] = ['batch', 'sentAt']
  t.equal(envelope(3)({ batch: [1, 2, 3] })?.pointer, '/sentAt')
})
