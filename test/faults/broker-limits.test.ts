import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import t from 'tap'
import { assertNothingLost, choose, fillDisk, mountDisk, tellRow } from '../support/faults.ts'
import type { Kafka } from '../support/kafka.ts'
import { readTopic, startKafka } from '../support/kafka.ts'
import { startLoad } from '../support/load.ts'
import { AUTHORIZATION, startServer } from '../support/server-process.ts'
import { until } from '../support/until.ts'
import { timing, verify } from '../support/verdict.ts'

const MAX_MESSAGE_BYTES = 20_000

async function startSmallKafka(t: Test): Promise<{ kafka: Kafka; disk: string }> {
  const disk = mountDisk(t, 64)
  const properties = { 'message.max.bytes': String(MAX_MESSAGE_BYTES), 'log.index.size.max.bytes': '65536' }
  const kafka = await startKafka({ logDir: join(disk, 'data'), properties })
  t.teardown(() => kafka.stop())
  return { kafka, disk }
}

t.test(
  "an event that is too large for the broker is put aside with its error; the broker's full disk loses nothing",
  async t => {
    const { kafka, disk } = await startSmallKafka(t)
    const server = await startServer(t, { env: { KAFKA_BROKERS: kafka.brokers.join(','), EVENTS_TOPIC: 'events' } })
    await server.ready()
    const load = startLoad(t, { url: server.url, eventsPerSecond: choose(700, 1_500) })
    await until(() => load.acked.length > 500, { what: 'more than 500 acknowledged events' })

    t.comment('an event that the broker refuses')
    t.equal(await sendBatch(server.url, 'direct'), 200)
    const refusedFile = join(server.dataDir, 'spool', 'refused.jsonl')
    await until(() => existsSync(refusedFile), { what: 'the file of refused events' })
    await kafka.kill()
    await until(() => server.backlogBytes().then(bytes => bytes > 0), { what: 'events in the spool' })
    t.equal(await sendBatch(server.url, 'spooled'), 200)
    await kafka.restart()
    await server.drained()

    t.comment('the disk of the broker is full')
    const giveBack = fillDisk(disk, 500_000)
    const begun = performance.now()
    await until(() => server.backlogBytes().then(bytes => bytes > 0), {
      what: 'events in the spool',
      timeoutMs: 20_000
    })
    await sleep(choose(2_000, 10_000))
    giveBack()
    await kafka.restart()
    const back = performance.now()
    await server.drained()
    const drainMs = performance.now() - back
    await load.stop()
    await server.drained()

    const seen = timing(load.answers)
    t.strictSame(Object.keys(seen.statuses), ['200'], 'every request is answered 200')
    const verdict = await verify([load], { brokers: kafka.brokers, topic: 'events' })
    assertNothingLost(t, verdict)
    const ids = new Set((await readTopic(kafka.brokers, 'events')).map(({ headers }) => headers['messageId']))
    const lines = readFileSync(refusedFile, 'utf8').trimEnd().split('\n')
    const aside = lines.map(line => JSON.parse(line) as { reason: string; record: { messageId: string } })
    for (const name of ['direct', 'spooled']) {
      t.ok(ids.has(`${name}-before`) && ids.has(`${name}-behind`), 'the events beside the refused event arrive')
      t.notOk(ids.has(`${name}-poison`))
      const kept = aside.filter(({ record }) => record.messageId === `${name}-poison`)
      t.match(kept, [{ reason: /larger than|takes 20000/ }])
    }
    t.equal(aside.length, 2, 'no other event was put aside')
    tellRow(t, "event too large, broker's disk full", { verdict, awayMs: back - begun, drainMs, ...seen })
  }
)

/** One event that the broker can never accept, between two that it can. */
async function sendBatch(url: string, name: string): Promise<number> {
  const event = (id: string, bytes: number): object => ({
    type: 'track',
    userId: 'poisoner',
    event: 'Sent',
    messageId: `${name}-${id}`,
    properties: { pad: 'x'.repeat(bytes) }
  })
  const batch = [event('before', 10), event('poison', MAX_MESSAGE_BYTES + 5_000), event('behind', 10)]
  const headers = { 'content-type': 'application/json', authorization: AUTHORIZATION }
  return (await fetch(`${url}/v1/batch`, { method: 'POST', headers, body: JSON.stringify({ batch }) })).status
}
