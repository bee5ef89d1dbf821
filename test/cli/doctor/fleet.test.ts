/** The doctor on servers of a fleet, whose configuration is in Kafka, with digests in place of keys. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { toDigestEntry } from '../../../src/keys/key-digest.ts'
import { KEY, startApp } from '../../support/app.ts'
import { ownFolder } from '../../support/own-folder.ts'
import { MAIN, run } from '../run.ts'

const DIGESTS = `sources:\n  - { id: web, writeKeys: ['${toDigestEntry(KEY)}'] }\n`
/** Nothing listens at these addresses. */
const NOWHERE = { PORT: '64998', ADMIN_PORT: '64999' }
const FLEET = { ...NOWHERE, FLEET: 'true', FLEET_NAME: 'shop', KAFKA_BROKERS: '127.0.0.1:1' }

t.test('A config file with digests alone, as "config pull" writes it, is no problem; --key is tried', async t => {
  const server = await startApp(t, { clock: { now: Date.now, monotonic: () => performance.now() } })
  writeFileSync(join(server.dir, 'pulled.yml'), DIGESTS)
  const env = { PORT: new URL(server.url).port, ADMIN_PORT: new URL(server.adminUrl).port, CONFIG_FILE: 'pulled.yml' }
  const doctor = (...args: string[]) => run(process.execPath, [MAIN, 'doctor', ...args], { cwd: server.dir, env })
  const silent = await doctor()
  t.equal(silent.code, 0, silent.stdout)
  t.match(silent.stdout, /· server +the configuration has only digests of keys.*\n +→ Name a key with --key\./)
  t.match((await doctor('--key', KEY)).stdout, /✓ server .* knows the key\n/)
  const wrong = await doctor('--key', 'wk_another')
  t.match(wrong, { code: 1, stdout: /✗ server .* does not know the key of --key \(write_key_unknown\)/ })
})

t.test('Without Kafka, the version of DATA_DIR is checked, and CONFIG_FILE is not needed', async t => {
  const dir = ownFolder(t)
  mkdirSync(join(dir, 'data'))
  const version = { version: 7, base: 6, hash: '', text: DIGESTS, by: 'a', why: 'b', at: '2026-11-29T00:00:00.000Z' }
  writeFileSync(join(dir, 'data', 'fleet-config.json'), JSON.stringify(version))
  const { code, stdout } = await run(process.execPath, [MAIN, 'doctor'], { cwd: dir, env: FLEET })
  t.equal(code, 1, 'the check fails, because Kafka cannot be reached')
  t.match(stdout, /✗ configuration +the topics of the fleet cannot be used: /)
  t.match(stdout, /· configuration +version 7 is checked, which DATA_DIR has\n/)
  t.match(stdout, /✓ keys +1 source enabled, 1 write key\n/)
  t.notMatch(stdout, 'no such file')
})
