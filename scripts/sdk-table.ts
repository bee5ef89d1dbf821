/**
 * Runs real SDKs with a server and Kafka, and prints the results for their events as a table. By default these are the
 * SDKs of the tests. With --all they are every SDK and fork in the registries; this takes some minutes, and needs Go
 * and Rust too.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { TABLE_FILE, ZOO_TABLE_FILE } from '../test/support/sdks/table.ts'

const { values } = parseArgs({ options: { all: { type: 'boolean', default: false } } })
const { file, table, timeoutSeconds } = values.all
  ? { file: 'sdk-zoo.ts', table: ZOO_TABLE_FILE, timeoutSeconds: 1_800 }
  : { file: 'sdks.test.ts', table: TABLE_FILE, timeoutSeconds: 180 }

rmSync(table, { force: true })
const test = join(import.meta.dirname, '..', 'test', 'e2e', file)
const env = { ...process.env, TAP_TIMEOUT: String(timeoutSeconds) }
const { status, stdout } = spawnSync(process.execPath, [test], { env, encoding: 'utf8' })
try {
  console.log(readFileSync(table, 'utf8'))
} catch {
  console.log(stdout)
}
if (status !== 0) console.error(`something is not as it should be: npx tap test/e2e/${file} says what`)
process.exitCode = status ?? 1
