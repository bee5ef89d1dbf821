import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'
import t from 'tap'
import { explainClosing } from '../../../../src/durability/kafka/connect/closing.ts'
import { explain } from '../../../../src/durability/kafka/connect/explain.ts'

const CLOSED = new Error('Connection closed')

async function listen(t: Test, onConnection: (socket: Socket) => void): Promise<string> {
  const server = createServer(socket => onConnection(socket.on('error', () => undefined))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test(
  'a broker that closes a connection before it answered is told from a broker that refuses the request',
  async t => {
    const full = await listen(t, socket => socket.destroy())
    const reset = await listen(t, socket => socket.resetAndDestroy())
    const picky = await listen(t, socket => void socket.once('data', () => socket.destroy()))
    const gone = '127.0.0.1:1'
    const words = async (brokers: string[], error: Error = CLOSED): Promise<string> =>
      explain(await explainClosing(error, brokers), brokers)
    t.match(await words([full]), /closes each new connection at once: .*max\.connections/)
    t.match(await words([full, reset]), /closes each new connection at once/)
    t.match(await words([picky]), /check KAFKA_SSL/)
    t.match(await words([full, picky]), /check KAFKA_SSL/, 'a broker of the two accepts connections')
    t.match(await words([gone]), /check KAFKA_SSL/)
    t.match(await words([full], new Error('odd')), /failed: odd/, 'other errors are reported unchanged')
  }
)
