import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { reachableFirst, unreachableBrokers } from '../../../../src/durability/kafka/connect/reachable.ts'

const GONE = '127.0.0.1:1'

/** Listens on a free port. Resolves with the address. */
async function listen(t: Test, onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => undefined))
    onConnection(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A broker that accepts connections and says nothing. */
const silent = (t: Test): Promise<string> => listen(t, socket => socket.resume())

/** A broker that answers every request as ApiVersions 1 without an error and without an API. */
const answering = (t: Test): Promise<string> =>
  listen(t, socket => {
    socket.on('data', request => {
      const answer = Buffer.alloc(18)
      answer.writeInt32BE(answer.length - 4)
      request.copy(answer, 4, 8, 12)
      socket.write(answer)
    })
  })

t.test('the first broker that answers comes first, and the others keep their order', async t => {
  const [quiet, good] = [await silent(t), await answering(t)]
  const first = async (...brokers: string[]): Promise<readonly string[]> =>
    await reachableFirst({ brokers, clientId: 'test' })
  t.strictSame(await first(GONE, good), [good, GONE], 'a broker that refuses connections')
  t.strictSame(await first(quiet, GONE, good), [good, quiet, GONE], 'a broker that accepts them and does not answer')
  t.strictSame(await first(good, quiet), [good, quiet])
  t.strictSame(await first(GONE), [GONE], 'a single broker is not asked')
})

t.test('if no broker answers, the list is returned unchanged, at the latest after two seconds', async t => {
  const quiet = await silent(t)
  const startedAt = performance.now()
  t.strictSame(await reachableFirst({ brokers: [GONE, '127.0.0.1:2'], clientId: 'test' }), [GONE, '127.0.0.1:2'])
  t.ok(performance.now() - startedAt < 1_000, 'refused connections are not waited for')
  t.strictSame(await reachableFirst({ brokers: [quiet, GONE], clientId: 'test' }), [quiet, GONE])
})

t.test('a broker that accepts a connection at its advertised address and does not answer is unreachable', async t => {
  const addresses = [await silent(t), await answering(t), GONE].map(broker => {
    const [host = '', port] = broker.split(':')
    return { host, port: Number(port) }
  })
  const reasons = await unreachableBrokers({ brokers: [GONE], clientId: 'test' }, addresses)
  t.match(reasons, [/does not answer in time/, /refuses connections/])
  t.equal(reasons.length, 2)
})
