/** Runs every real SDK against a server and a Kafka, and prints what became of their events as a table. */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { TABLE_FILE } from '../test/support/sdks/table.ts'

const TIMEOUT_SECONDS = 180

rmSync(TABLE_FILE, { force: true })
const test = join(import.meta.dirname, '..', 'test', 'e2e', 'sdks.test.ts')
const env = { ...process.env, TAP_TIMEOUT: String(TIMEOUT_SECONDS) }
const { status } = spawnSync(process.execPath, [test], { env, stdio: 'ignore' })
console.log(readFileSync(TABLE_FILE, 'utf8'))
if (status !== 0) console.error('something is not as it should be: npx tap test/e2e/sdks.test.ts says what')
process.exitCode = status ?? 1
