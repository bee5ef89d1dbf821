import t from 'tap'
import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { readEnvironment } from '../../../src/config/env/environment.ts'
import { configTable, printConfig } from '../../../src/config/env/print.ts'
import { VARIABLE_NAMES } from '../../../src/config/env/variables.ts'

const script = fileURLToPath(new URL('../../../scripts/config-table.ts', import.meta.url))

t.test('the printed configuration shows every variable as it was typed, and hides secrets', async t => {
  const printed = printConfig(
    readEnvironment({ LOG_RETENTION: '7d,20GiB', ADMIN_PASSWORD: 'hunter2', PUBLISH_TIMEOUT: '1s', KAFKA_BROKERS: 'a' })
  )
  t.notMatch(printed, /hunter2/)
  t.match(printed, /^ADMIN_PASSWORD=\(hidden\)$/m)
  t.match(printed, /^LOG_RETENTION=7d,20GiB$/m)
  t.match(printed, /^PORT=3000 +# default$/m)
  t.match(printed, /^PUBLIC_URL= +# default: from the request$/m)
  t.strictSame(
    printed.split('\n').map(line => line.split('=')[0]),
    VARIABLE_NAMES
  )
})

t.test('the printed configuration hides what a URL may hold of secrets: user, password and query', async t => {
  const token = 'https://login.example/token?client=s3cret'
  const shown = {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: ['https://c:4318/v1/traces?token=s3cret', 'https://c:4318/v1/traces?(hidden)'],
    OTEL_EXPORTER_OTLP_ENDPOINT: ['https://ann:s3cret@c:4318/x', 'https://(hidden)@c:4318/x'],
    KAFKA_OAUTH_TOKEN_URL: [token, 'https://login.example/token?(hidden)'],
    PUBLIC_URL: ['https://events.example.com', 'https://events.example.com']
  } as const
  const env = Object.fromEntries(Object.entries(shown).map(([name, [given]]) => [name, given]))
  const oauth = { KAFKA_SASL_MECHANISM: 'OAUTHBEARER', KAFKA_OAUTH_CLIENT_ID: 'a', KAFKA_OAUTH_CLIENT_SECRET: 'b' }
  const config = readEnvironment({ ...env, ...oauth, OTEL_SDK_DISABLED: 'true' })
  const lines = printConfig(config).split('\n')
  for (const [name, [, masked]] of Object.entries(shown)) t.ok(lines.includes(`${name}=${masked}`), name)
  t.notMatch(JSON.stringify(config.effective), 's3cret')
  const others = [
    'ann:s3cret@c:4318',
    'https://ann:s3/cret@c',
    'https://c/?a=@s3cret',
    'https://c/#s3cret',
    'https://a:s3?cret@c?x'
  ]
  for (const given of others) {
    const { effective } = readEnvironment({ OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_ENDPOINT: given })
    t.notMatch(JSON.stringify(effective), /s3|cret/, given)
  }
  const plain = { KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_SASL_USERNAME: 'ann@example.com', KAFKA_SASL_PASSWORD: 'x' }
  t.match(printConfig(readEnvironment(plain)), 'KAFKA_SASL_USERNAME=ann@example.com\n', 'a name is no secret')
  t.throws(() => readEnvironment({ PUBLIC_URL: token }), /PUBLIC_URL="https:\/\/login.example\/token\?\(hidden\)"/)
})

t.test('the table of variables has one row for each, with its default', async t => {
  const rows = configTable().split('\n').slice(2)
  t.strictSame(
    rows.map(row => /^\| `(\w+)` \|/.exec(row)?.[1]),
    VARIABLE_NAMES
  )
  t.match(configTable(), '| `PUBLISH_TIMEOUT` | `750ms` | ')
  t.match(configTable(), '| `MAX_BATCH_BYTES` | `524288`, strict: `512000` | ')
  t.equal(
    rows.every(row => row.split('|').length === 5),
    true,
    'no cell contains a column separator'
  )
})

t.test('the script prints the table, and detects a file with an old table', async t => {
  t.equal(execFileSync(process.execPath, [script], { encoding: 'utf8' }), `${configTable()}\n`)
  const dir = t.testdir({ 'new.md': `# x\n\n${configTable()}\n\ny`, 'old.md': configTable().replace('750ms', '500ms') })
  t.equal(spawnSync(process.execPath, [script, '--check', join(dir, 'new.md')]).status, 0)
  const old = spawnSync(process.execPath, [script, '--check', join(dir, 'old.md')], { encoding: 'utf8' })
  t.equal(old.status, 1)
  t.match(old.stderr, /old\.md: its table of variables is out of date/)
})
