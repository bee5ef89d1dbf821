/** A server checks the answers of other servers. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import t from 'tap'
import { askMembers } from '../../src/fleet/view/ask.ts'
import type { MemberAnswer } from '../../src/fleet/view/ask.ts'
import type { Member } from '../../src/fleet/members/member-list.ts'
import { until } from '../support/until.ts'

/** Asks one member, whose admin listener this is. */
async function ask(t: Test, listener: RequestListener): Promise<MemberAnswer> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.closeAllConnections())
  t.teardown(() => server.close())
  const adminUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const [answer] = await askMembers([{ name: 'b', adminUrl } as Member], { password: 'p', path: '/api/events' })
  return answer as MemberAnswer
}

t.test('an answer that does not end is aborted, and its connection is closed', async t => {
  let isOpen = true
  const answer = await ask(t, (_request, response) => {
    response.on('close', () => (isOpen = false))
    const more = (): void => {
      while (isOpen && response.write('x'.repeat(65_536)));
      if (isOpen) response.once('drain', more)
    }
    more()
  })
  t.match(answer, { server: 'b', body: undefined, problem: 'answered more than 2097152 bytes' })
  await until(() => !isOpen, { what: 'the connection to be closed' })
})

t.test('a member that answers with invalid JSON, late, or as another server is reported with the reason', async t => {
  const noJson = await ask(t, (_request, response) => void response.end('<html>'))
  t.match(noJson.problem, /^http:\S+ answered no JSON$/)
  const late = await ask(t, () => undefined)
  t.equal(late.problem, 'no answer within 1 s')
  const other = await ask(t, (_request, response) => void response.writeHead(421).end('{}'))
  t.match(other.problem, /is another server: set ADMIN_URL$/)
})

t.test('a member is asked with the password of the fleet, and only for its own data', async t => {
  const answer = await ask(t, ({ headers }, response) => {
    response.end(JSON.stringify([headers.authorization, headers['x-tributary-server']]))
  })
  t.strictSame(answer.body, [`Basic ${Buffer.from('admin:p').toString('base64')}`, 'b'])
})
