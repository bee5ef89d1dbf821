import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { isSinkUnavailable } from '../../../src/model/sink.ts'
import { createLogSink } from '../../../src/durability/log/log-sink.ts'
import { failureOf, idsOnDisk, linesOf, openLog } from '../../support/event-log.ts'
import { testRecord, type TestRecord } from '../../support/records.ts'
import { placesOf } from '../../support/places.ts'

function recordsOf(kinds: readonly TestRecord['kind'][]): TestRecord[] {
  return linesOf(kinds.map((_, index) => index)).map((line, index) => {
    const base = { line, messageId: `m${index}`, key: 'u' }
    return testRecord(kinds[index] === 'event' ? base : { ...base, kind: 'rejected', code: 'id_required' })
  })
}

async function openSink(t: Test) {
  const dir = t.testdir()
  const events = await openLog(join(dir, 'events'))
  const rejected = await openLog(join(dir, 'rejected'))
  const sink = createLogSink({ events, rejected })
  t.teardown(() => sink.close())
  return { dir, events, rejected, sink }
}

t.test(
  'accepted events go to events/, rejected ones to rejected/, and both are on disk when publish resolves',
  async t => {
    const { dir, sink } = await openSink(t)
    const records = recordsOf(['event', 'rejected', 'event', 'event', 'rejected'])
    await sink.publish([])
    await sink.publish(recordsOf(['event']))
    const receipt = await sink.publish(records)

    t.strictSame(idsOnDisk(join(dir, 'events')), [0, 0, 2, 3])
    t.strictSame(idsOnDisk(join(dir, 'rejected')), [1, 4])
    records.forEach((record, index) => {
      const [place] = placesOf(receipt, index)
      t.equal(place?.store, 'log')
      t.match(place?.file, record.kind === 'event' ? /^events\/.*\.ndjson$/ : /^rejected\/.*\.ndjson$/)
      const content = readFileSync(join(dir, place?.file ?? ''))
      t.ok(
        content.subarray(place?.position).indexOf(record.line) === 0,
        `the line of record ${index} is at its reported position`
      )
    })
    t.strictSame(placesOf(receipt, 5), [])
  }
)

t.test('publish rejects with SinkUnavailable when either folder cannot take its records', async t => {
  const { sink, rejected } = await openSink(t)
  await rejected.close()
  t.ok(isSinkUnavailable(await failureOf(sink.publish(recordsOf(['event', 'rejected'])))))
  await sink.publish(recordsOf(['event']))
  t.match(sink.health(), { ready: false, problems: [/rejected is closed/] })
})

t.test('a healthy sink is ready; a closed sink is not, may be closed twice, and has kept its records', async t => {
  const { dir, sink } = await openSink(t)
  t.equal(sink.health().ready, true)
  const publishing = sink.publish(recordsOf(['event', 'rejected']))
  await sink.close()
  await sink.close()
  await publishing
  t.equal(sink.health().ready, false)
  t.strictSame([idsOnDisk(join(dir, 'events')), idsOnDisk(join(dir, 'rejected'))], [[0], [1]])
})
