import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import { loadContract } from '../../src/contract/document.ts'

const file = new URL('../../openapi.yml', import.meta.url).pathname

t.test('what is kept of openapi.yml is openapi.yml', async t => {
  const dir = join(t.testdir(), 'cache')
  const parsed = loadContract(file)
  // Not strictSame: the document names a property `constructor`, which tap takes for the class of what holds it.
  t.ok(isDeepStrictEqual(loadContract(file, dir), parsed), 'the first time')
  t.equal(readdirSync(dir).length, 1, 'it is kept, and nothing unfinished beside it')
  t.ok(isDeepStrictEqual(loadContract(file, dir), parsed), 'the second time')
})

t.test('a changed document counts at once', async t => {
  const dir = t.testdir({ 'openapi.yml': 'paths: {}\ncomponents: { schemas: { A: true } }\n' })
  const changing = join(dir, 'openapi.yml')
  const read = (): unknown => loadContract(changing, join(dir, 'cache')).components.schemas
  t.strictSame(read(), { A: true })
  writeFileSync(changing, readFileSync(changing, 'utf8').replace('A: true', 'A: false'))
  t.strictSame(read(), { A: false })
})

t.test('what was kept and cannot be read is made anew', async t => {
  const dir = t.testdir({ cache: {} })
  const cache = join(dir, 'cache')
  loadContract(file, cache)
  for (const name of readdirSync(cache)) writeFileSync(join(cache, name), '{"paths":')
  t.ok(loadContract(file, cache).paths['/track'])
})

t.test('where nothing can be kept, it is parsed at each start', async t => {
  const dir = t.testdir({ 'a-file': '' })
  t.ok(loadContract(file, join(dir, 'a-file', 'cache')).paths['/track'])
})

t.test('a broken document is an error in words, which is not kept', async t => {
  const dir = t.testdir({ 'openapi.yml': 'paths: [' })
  const load = (): unknown => loadContract(join(dir, 'openapi.yml'), join(dir, 'cache'))
  t.throws(load, /^cannot read the contract .*openapi\.yml: /)
  t.throws(load, /^cannot read the contract .*openapi\.yml: /)
})
