/**
 * The table of environment variables, in Markdown.
 *
 *   node scripts/config-table.ts                     prints it
 *   node scripts/config-table.ts --check README.md   exits 1 unless the file has it, letter for letter
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { configTable } from '../src/config/env/print.ts'

const { values } = parseArgs({ options: { check: { type: 'string' } } })
if (values.check === undefined) {
  console.log(configTable())
} else if (!readFileSync(values.check, 'utf8').includes(configTable())) {
  console.error(`${values.check}: its table of variables is out of date; node scripts/config-table.ts prints it`)
  process.exitCode = 1
}
