import { join } from 'node:path'
import t from 'tap'
import { post, startApp } from '../../support/app.ts'
import { NOISE, RULES_CONFIG, WITH_KAFKA } from '../../support/routing.ts'
import { MAIN, run } from '../run.ts'

const clock = { now: Date.now, monotonic: () => performance.now() }

t.test('trace prints a line for every destination: sent with its topic, or not with the rule', async t => {
  const server = await startApp(t, { clock, config: RULES_CONFIG, env: WITH_KAFKA })
  await post(`${server.url}/v1/track`, NOISE)
  const env = {
    ADMIN_PORT: new URL(server.adminUrl).port,
    CONFIG_FILE: join(server.dir, 'tributary.yml'),
    DATA_DIR: join(server.dir, 'data')
  }
  const { code, stdout } = await run(process.execPath, [MAIN, 'trace', 'noise-1'], { cwd: server.dir, env })
  t.equal(code, 0)
  t.match(
    stdout,
    /^ {2}destinations, by the destinations that were in force when the event came, and still are \(since .*\):$/m
  )
  t.match(stdout, /^ {4}Open {5}sent {6}open$/m)
  t.match(stdout, /^ {4}Off {6}not sent {2}disabled: the destination is disabled \(enabled: false\)$/m)
  t.match(stdout, /^ {4}Consent {2}not sent {2}consent: the user has not consented to C0003 /m)
})
