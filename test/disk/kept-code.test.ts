import { readdirSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { keptCode } from '../../src/disk/kept-code.ts'
import { ownFolder } from '../support/own-folder.ts'

const TEXT = "module.exports = { from: 'the file' }\n"

/** Requests code that depends on `from`, and counts how often it is generated. */
function ask(dir: string | undefined, from: string) {
  let made = 0
  const make = () => {
    made++
    return { exports: { from: 'memory' }, text: TEXT }
  }
  return { exports: keptCode({ dir, from: [from], make }), made }
}

t.test('code is generated once for all its inputs, and loaded by later starts', async t => {
  const dir = join(ownFolder(t), 'cache')
  t.strictSame(ask(dir, 'a'), { exports: { from: 'the file' }, made: 1 })
  t.strictSame(ask(dir, 'a'), { exports: { from: 'the file' }, made: 0 })
  t.strictSame(ask(dir, 'b'), { exports: { from: 'the file' }, made: 1 }, 'code for another input is generated again')
  t.equal(readdirSync(dir).length, 2, 'the folder has no unfinished file')
})

t.test('stored code that is incomplete or was changed is generated again', async t => {
  const dir = ownFolder(t)
  const damages: readonly ((file: string) => void)[] = [
    file => truncateSync(file, 0),
    file => truncateSync(file, 80),
    file => truncateSync(file, readFileSync(file).length - 1),
    file => writeFileSync(file, readFileSync(file, 'utf8').replace('the file', 'elsewhere')),
    file => writeFileSync(file, Buffer.alloc(100))
  ]
  for (const [index, damage] of damages.entries()) {
    const from = `damage ${index}`
    const before = new Set(readdirSync(dir))
    ask(dir, from)
    damage(join(dir, readdirSync(dir).find(name => !before.has(name)) as string))
    t.equal(ask(dir, from).made, 1, from)
    t.equal(ask(dir, from).made, 0, 'the generated code is stored again')
  }
})

t.test('if nothing can be stored, code is generated at each start', async t => {
  const dir = ownFolder(t, { 'a-file': '' })
  for (const folder of [join(dir, 'a-file', 'cache'), undefined]) {
    t.strictSame(ask(folder, 'a'), { exports: { from: 'memory' }, made: 1 })
    t.strictSame(ask(folder, 'a'), { exports: { from: 'memory' }, made: 1 })
  }
})

t.test('a folder keeps the code of the last twenty configurations, and unknown files are not removed', async t => {
  const dir = ownFolder(t, { 'other.json': '{}' })
  for (let index = 0; index < 30; index++) {
    ask(dir, `configuration ${index}`)
    // File times can be as coarse as the kernel's clock, so older files get clearly older times.
    for (const name of readdirSync(dir)) {
      const { mtimeMs } = statSync(join(dir, name))
      utimesSync(join(dir, name), mtimeMs / 1000 - 10, mtimeMs / 1000 - 10)
    }
  }
  t.equal(readdirSync(dir).filter(name => name.endsWith('.cjs')).length, 20)
  t.ok(readdirSync(dir).includes('other.json'))
  t.equal(ask(dir, 'configuration 29').made, 0, 'the newest code is stored')
  t.equal(ask(dir, 'configuration 0').made, 1, 'the oldest code is generated again')
})
