import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readEnvironment } from '../../src/config/env/environment.ts'

const UNIT = readFileSync(join(import.meta.dirname, '../../deploy/systemd/tributary.service'), 'utf8')

/** The values of a setting, in order. */
const valuesOf = (name: string): string[] =>
  Array.from(UNIT.matchAll(new RegExp(`^${name}=(.*)$`, 'gm')), ([, value]) => value ?? '')

t.test(
  'systemd waits longer for the end of the server than the server takes, and takes events left for no failure',
  async t => {
    const env = Object.fromEntries(
      valuesOf('Environment')
        .flatMap(line => line.split(' '))
        .map(pair => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])
    )
    t.equal(env['ADMIN_PASSWORD_FILE'], '%d/admin-password', 'the password comes from a credential')
    const { shutdownGraceMs, drainOnStopMs, dataDir } = readEnvironment({ ...env, ADMIN_PASSWORD_FILE: undefined })
    t.ok(Number(valuesOf('TimeoutStopSec')[0]) * 1000 > shutdownGraceMs + drainOnStopMs + 4_000)
    t.strictSame(valuesOf('SuccessExitStatus'), ['75'])
    t.equal(
      dataDir,
      `/var/lib/${valuesOf('StateDirectory')[0]}`,
      'the server stores data in the only folder that it may write'
    )
  }
)

t.test('the unit starts the server itself, so that it gets the signals', async t => {
  t.strictSame(valuesOf('ExecStart'), ['/opt/tributary/node_modules/.bin/tributary serve'])
  t.strictSame(valuesOf('ExecReload'), ['/bin/kill -HUP $MAINPID'])
})
