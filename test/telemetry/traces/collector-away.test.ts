/** A collector that is away, slow, or answers errors: requests are answered all the same, and memory is bounded. */
import { Writable } from 'node:stream'
import { pino } from 'pino'
import type { Logger } from 'pino'
import t from 'tap'
import type { Test } from 'tap'
import { post, startApp } from '../../support/app.ts'
import { startCollector } from '../../support/collector.ts'
import { readMetrics, sumOf } from '../../support/metrics.ts'
import { freePort } from '../../support/kafka-process.ts'
import { until } from '../../support/until.ts'

const MAX_QUEUE = 40

/** The exporter reads this variable itself. A busy machine must not turn its answers into time-outs. */
function setExporterTimeout(milliseconds: number): void {
  process.env['OTEL_EXPORTER_OTLP_TIMEOUT'] = String(milliseconds)
}
setExporterTimeout(60_000)

function logTo(lines: string[]): Logger {
  const into = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString())
      done()
    }
  })
  return pino({ level: 'info' }, into)
}

async function tracedApp(t: Test, endpoint: string, more: Record<string, string> = {}) {
  const lines: string[] = []
  const { url, adminUrl, app } = await startApp(t, {
    logger: logTo(lines),
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_BSP_SCHEDULE_DELAY: '10',
      OTEL_BSP_MAX_QUEUE_SIZE: String(MAX_QUEUE),
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '20',
      OTEL_BSP_EXPORT_TIMEOUT: '60000',
      ...more
    }
  })
  let sent = 0
  return {
    app,
    /** Sends that many events one after the other, each of which must be answered with 200. */
    async send(count: number): Promise<void> {
      for (let at = 0; at < count; at++) {
        const { status } = await post(`${url}/v1/track`, { event: 'E', userId: 'u', messageId: `m${sent++}` })
        if (status !== 200) throw new Error(`the request was answered ${status}`)
      }
    },
    spans: async (outcome: string): Promise<number> =>
      sumOf(await readMetrics(adminUrl), 'tributary_trace_spans_total', { outcome }),
    queued: async (): Promise<number> => sumOf(await readMetrics(adminUrl), 'tributary_trace_queue_spans'),
    /** How many lines of the log contain the text. */
    logged: (text: string): number => lines.filter(line => line.includes(text)).length
  }
}

const CANNOT = 'spans cannot be exported'

t.test(
  'a collector that answers errors is named once, however many batches fail, and however often it comes back',
  async t => {
    const collector = await startCollector(t)
    const server = await tracedApp(t, collector.url)
    collector.behave((_request, response) => response.writeHead(500).end('no'))
    await server.send(10)
    await until(async () => (await server.spans('failed')) >= 40, { what: 'spans to fail', timeoutMs: 60_000 })
    t.ok(collector.requests.length > 1, 'several batches failed')
    t.equal(server.logged(CANNOT), 1)
    collector.behave((_request, response) => response.writeHead(200).end())
    await server.send(10)
    await until(async () => (await server.spans('exported')) > 0, { what: 'spans to be exported', timeoutMs: 60_000 })
    const failed = await server.spans('failed')
    collector.behave((_request, response) => response.writeHead(400).end())
    await server.send(1)
    await until(async () => (await server.spans('failed')) > failed, { what: 'the next failure', timeoutMs: 60_000 })
    t.equal(server.logged(CANNOT), 1, 'within a minute')
    await server.app.close()
    t.equal(server.logged(CANNOT), 2, 'the end says what the last minute held back')
  }
)

t.test(
  'while a collector never answers, requests are answered, the queue is bounded, and what is over is counted',
  async t => {
    const collector = await startCollector(t)
    const server = await tracedApp(t, collector.url)
    collector.behave(() => undefined)
    let most = 0
    const isFull = async (): Promise<boolean> => {
      await server.send(20)
      most = Math.max(most, await server.queued())
      return (await server.spans('dropped')) > 0
    }
    await until(isFull, { what: 'a full queue', timeoutMs: 60_000 })
    t.ok(most <= MAX_QUEUE, `the queue had at most ${most} spans`)
    t.equal(await server.spans('exported'), 0)
  }
)

t.test('spans wait for a collector that is away, and go to it when it is back', async t => {
  // Shorter than the pause before the exporter tries again.
  setExporterTimeout(700)
  const port = await freePort()
  const server = await tracedApp(t, `http://127.0.0.1:${port}`)
  await server.send(3)
  await until(async () => (await server.spans('failed')) > 0, { what: 'failed spans', timeoutMs: 60_000 })
  t.equal(server.logged(CANNOT), 1)
  const collector = await startCollector(t, port)
  const isBack = async (): Promise<boolean> => {
    await server.send(1)
    return (await server.spans('exported')) > 0
  }
  await until(isBack, { what: 'the waiting spans to be exported', timeoutMs: 60_000 })
  t.ok(collector.spans.length > 0)
})

t.test('a collector that answers too slowly is given up', async t => {
  // The exporter's own time-out must not be what helps here.
  setExporterTimeout(60_000)
  const collector = await startCollector(t)
  const server = await tracedApp(t, collector.url, { OTEL_BSP_EXPORT_TIMEOUT: '900' })
  collector.behave((_request, response) => {
    response.writeHead(200)
    const timer = setInterval(() => response.write(' '), 50)
    response.on('close', () => clearInterval(timer))
  })
  await server.send(3)
  await until(async () => (await server.spans('failed')) > 0, { what: 'failed spans', timeoutMs: 60_000 })
  t.equal(server.logged('no whole answer within 900 ms'), 1)
})
