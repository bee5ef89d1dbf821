/** Clients that send an event and disconnect: pages that unload, programs that exit. */
import { Writable } from 'node:stream'
import { pino } from 'pino'
import t from 'tap'
import { startApp } from '../support/app.ts'
import { exchange, HALF_CLOSE, RESET } from '../support/exchange.ts'
import { until } from '../support/until.ts'
import { request } from './cases/case.ts'

const direct = request({ body: '{"userId":"u","event":"e","context":{"direct":true}}' })

t.test('an event of a client that has disconnected is accepted, with its address, and nothing fails', async t => {
  const lines: string[] = []
  const stream = new Writable({
    write(line: Buffer, _encoding, done) {
      lines.push(line.toString())
      done()
    }
  })
  const { url, sink } = await startApp(t, { logger: pino({ level: 'error' }, stream) })
  for (let i = 0; i < 20; i++) await exchange({ url, steps: [direct, HALF_CLOSE], answers: 0, timeoutMs: 5_000 })
  t.equal(sink.records.length, 20)
  for (const { line } of sink.records) t.match(JSON.parse(line.toString()), { context: { ip: '127.0.0.1' } })

  let release = (): void => undefined
  sink.gate = new Promise<void>(resolve => (release = resolve))
  for (let i = 0; i < 20; i++) await exchange({ url, steps: [direct, 20, RESET], answers: 0, timeoutMs: 5_000 })
  release()
  await until(() => sink.records.length === 40, { what: 'the events of the disconnected clients' })
  for (let i = 0; i < 20; i++) await exchange({ url, steps: [direct, RESET], answers: 0, timeoutMs: 5_000 })
  t.same(lines, [], 'the server logged no error')
})
