import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { basic, CONFIG, post, startApp } from '../support/app.ts'

/** Requests of clients contain each of these values, and no output may contain one. */
const RAW = ['ann.raw@example.com', 'user-raw-4711', 'card-raw-4242', 'gone-raw-user', '203.0.113.77', '198.51.100.7']

const RULES = `${CONFIG}
privacy:
  ip: truncate
  drop: [properties.card]
  hash: [userId]
  hashKeys: ['*email*']
suppress:
  users: ['sha256:${await digest('gone-raw-user')}']
`

async function digest(text: string): Promise<string> {
  const { hash } = await import('node:crypto')
  return hash('sha256', text)
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
}

t.test('No raw value is in any file, log line, metric or answer of the API, as text, base64 or UTF-16', async t => {
  const log: string[] = []
  const logger = pino({ level: 'trace' }, { write: (line: string) => void log.push(line) })
  const env = { PRIVACY_HASH_KEY: 'a key of the tests', TRUST_PROXY: 'true', LOG_LEVEL: 'trace' }
  const server = await startApp(t, { config: RULES, env, sink: 'configured', logger })
  const headers = { authorization: basic(), 'x-forwarded-for': '203.0.113.77', 'sec-gpc': '1' }
  const send = async (path: string, body: unknown): Promise<void> =>
    void (await post(`${server.url}/v1/${path}`, body, headers))
  const properties = { card: 'card-raw-4242', n: { userEmail: 'ann.raw@example.com' }, stays: 1 }
  const context = { ip: '198.51.100.7', library: { name: 'analytics.js', version: '1' } }
  const good = { type: 'track', userId: 'user-raw-4711', event: 'e', properties, context }
  await send('track', good)
  await send('batch', {
    batch: [good, { ...good, userId: 'gone-raw-user' }, { ...good, event: 7 }, { ...good, userId: 7 }]
  })
  await send('alias', { userId: 'new', previousId: 'user-raw-4711', context })
  await send('alias', { userId: 'new', previousId: 'gone-raw-user', context })
  await send(
    'batch',
    `{"batch":[${JSON.stringify(good)},{"userId":"gone-raw-user","n":NaN,"email":"ann.raw@example.com"}]}`
  )
  await send('batch', `{"batch":[${JSON.stringify(good)}`)
  await send('batch', Buffer.from(JSON.stringify({ batch: [good] }), 'utf16le'))
  const query = new URLSearchParams({
    data: Buffer.from(JSON.stringify({ ...good, writeKey: 'wk_test' })).toString('base64')
  })
  await fetch(`${server.url}/v1/pixel/track?${query.toString()}`, { headers })
  await post(`${server.url}/v1/track`, good, { ...headers, authorization: basic('wk_wrong') })

  const paths = [
    '/metrics',
    '/readyz',
    '/api/events?detail=true&limit=1000',
    '/api/rejections',
    '/api/outcomes',
    '/api/sources'
  ]
  const answers = await Promise.all(
    [...paths, '/api/overview', '/api/suppressions'].map(async path => (await fetch(server.adminUrl + path)).text())
  )
  await server.app.close()
  const files = filesOf(join(server.dir, 'data')).map(file => readFileSync(file).toString('latin1'))
  t.ok(
    files.some(text => text.includes('"stays":1')),
    'the files contain the accepted events'
  )
  t.ok(
    files.some(text => text.includes('event_not_string')),
    'the files contain the refused events'
  )
  t.match(answers[0], /outcome="suppressed"/)
  const all = [...files, ...answers, ...log].join('\n')
  for (const raw of RAW) {
    const spellings = [
      raw,
      ...[0, 1, 2].map(shift =>
        Buffer.from('x'.repeat(shift) + raw)
          .toString('base64')
          .slice(4, -4)
      ),
      raw.split('').join('\0')
    ]
    t.strictSame(
      spellings.filter(spelling => all.includes(spelling)),
      [],
      raw
    )
  }
})
