/** Whatever calls a server says what is wrong with its certificate, and what to set. */
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { checkServer } from '../../src/cli/doctor/server.ts'
import { send } from '../../src/cli/running/send.ts'
import { top } from '../../src/cli/running/top.ts'

import { certificateTrouble, describeFetchFailure } from '../../src/client/fetch-failure.ts'
import { readEnvironment } from '../../src/config/env/environment.ts'
import { askMembers } from '../../src/fleet/view/ask.ts'
import { TLS } from '../support/tls.ts'

const server = createServer(TLS, (_request, response) => response.end('{}'))
await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
t.teardown(() => server.close())
const { port } = server.address() as AddressInfo
const url = `https://127.0.0.1:${port}`

const UNTRUSTED = `the certificate of ${url} is not trusted here (self-signed)`
const TODO = 'set NODE_EXTRA_CA_CERTS=FILE to it or to the certificate of its authority'
const terminal = { out: (): void => undefined, note: (): void => undefined }

t.test('Commands name the certificate, and do not ask whether the server runs', async t => {
  const says = { message: `${UNTRUSTED}: ${TODO}` }
  await t.rejects(top.run(['--count', '1', '--admin', url], terminal), says)
  await t.rejects(send.run(['track', '--key', 'wk_a', '--url', url], terminal), says)
})

t.test('The doctor calls it a problem, at whatever address it is', async t => {
  const parsed = { lists: {}, flags: new Set<string>(), positionals: [] }
  const found = await checkServer(readEnvironment({}), undefined, { ...parsed, texts: { url } })
  t.match(found, [{ level: 'problem', area: 'server', says: UNTRUSTED, todo: `S${TODO.slice(1)}.` }])
})

t.test('A server of a fleet says it of another one', async t => {
  const [answer] = await askMembers([{ name: 'b', adminUrl: url } as never], { password: undefined, path: '/' })
  t.equal(answer?.problem, `${UNTRUSTED}: ${TODO}`)
})

t.test(
  'A certificate for another name is not called untrusted, and what is no certificate is not called one',
  async t => {
    const failure = (code: string): Error => new TypeError('fetch failed', { cause: { code } })
    const trouble = certificateTrouble(url, failure('ERR_TLS_CERT_ALTNAME_INVALID'))
    t.match(trouble, { says: `the certificate of ${url} is not for this name or address`, todo: /PUBLIC_URL/ })
    t.equal(certificateTrouble(url, failure('ECONNREFUSED')), undefined)
    t.equal(
      describeFetchFailure(url, failure('ECONNREFUSED'), ': why?'),
      `${url} cannot be reached (ECONNREFUSED): why?`
    )
  }
)
