import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readEnvironment } from '../../../src/config/env/environment.ts'
import { printConfig } from '../../../src/config/env/print.ts'
import { SECRET_FILE_NAMES } from '../../../src/config/env/secret-files.ts'
import type { Variable } from '../../../src/config/env/variable.ts'
import { VARIABLE_NAMES, VARIABLES } from '../../../src/config/env/variables.ts'
import { problemsOf } from '../../support/config-problems.ts'

const folder = t.testdir({ secret: '  hunter2\n', empty: ' \n', lines: 'a\nb\n', bom: '\uFEFFhunter2\r\n' })
const at = (name: string): string => join(folder, name)

t.test('each secret variable can come from a file, without the surrounding white space', async t => {
  for (const file of ['secret', 'bom']) {
    t.equal(readEnvironment({ ADMIN_PASSWORD_FILE: at(file) }).adminPassword, 'hunter2')
  }
  const sasl = { KAFKA_BROKERS: 'a', KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_SASL_USERNAME: 'u' }
  const config = readEnvironment({ ...sasl, KAFKA_SASL_PASSWORD_FILE: at('secret') })
  t.match(config.kafka?.sasl, { password: 'hunter2' })
  t.match(config.files, { KAFKA_SASL_PASSWORD: at('secret') })
  t.strictSame(config.warnings, [])
  t.equal(readEnvironment({ ADMIN_PASSWORD_FILE: '' }).adminPassword, undefined, 'an empty variable is not set')
  t.match(printConfig(config), `KAFKA_SASL_PASSWORD=(hidden, from ${at('secret')})`)
  t.notMatch(printConfig(config), /hunter2/)
})

t.test('if a secret is given in both forms, both are refused by name', async t => {
  for (const name of SECRET_FILE_NAMES.map(file => file.replace(/_FILE$/, ''))) {
    const problems = problemsOf({ [name]: 'x', [`${name}_FILE`]: at('secret') })
    t.ok(problems.includes(`${name} and ${name}_FILE are both set: remove one of them`), name)
  }
})

t.test('a file for a variable that is not a secret is refused by name', async t => {
  const plain = VARIABLE_NAMES.filter(name => (VARIABLES[name] as Variable<unknown>).secret !== true)
  for (const name of plain) {
    t.match(problemsOf({ [`${name}_FILE`]: at('secret') })[0], `${name}_FILE: ${name} is not read from a file`)
  }
})

t.test('a file without a usable secret is refused, and its content is not quoted', async t => {
  const cases: [string, RegExp][] = [
    ['empty', /^ADMIN_PASSWORD_FILE=".*empty": expected a secret, but the file is empty$/],
    ['lines', /several lines/],
    ['missing', /ENOENT/]
  ]
  for (const [file, message] of cases) t.match(problemsOf({ ADMIN_PASSWORD_FILE: at(file) })[0], message)
  writeFileSync(at('large'), 'hunter2'.repeat(10_000))
  const [large] = problemsOf({ ADMIN_PASSWORD_FILE: at('large') })
  t.match(large, /larger than 64 KiB/)
  t.notMatch(large, /hunter2/)
})

t.test('a misspelt name of such a variable causes a warning', async t => {
  const { warnings } = readEnvironment({ ADMIN_PASWORD_FILE: at('secret') })
  t.match(warnings[0], /did you mean ADMIN_PASSWORD_FILE\?/)
})
