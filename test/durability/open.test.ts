import { join } from 'node:path'
import t from 'tap'
import type { RetentionPolicy } from '../../src/durability/log/retention.ts'
import { POSITION_FILE, savePositions } from '../../src/durability/log/segment/position-file.ts'
import { openSink } from '../../src/durability/open.ts'
import { createLogLines, idsOnDisk, lineOf, linesFrom, openLog } from '../support/event-log.ts'
import { ownFolder } from '../support/own-folder.ts'
import { until } from '../support/until.ts'

const HOUR_MS = 3_600_000

const POLICIES: readonly (readonly [string, RetentionPolicy])[] = [
  ['an age', { ageMs: HOUR_MS }],
  ['a size', { bytes: 0 }]
]

/** A folder of segments with one line in it; where it ends. */
async function fill(dir: string, id: number) {
  const log = await openLog(dir)
  const { file, offset } = await log.append(linesFrom([lineOf(id)]))
  await log.close()
  return { file, offset: offset + lineOf(id).length }
}

for (const [limit, retention] of POLICIES) {
  t.test(`with LOG_RETENTION of ${limit}, events of a start without Kafka are deleted when Kafka has them`, async t => {
    const dataDir = ownFolder(t)
    const [events, spool] = [join(dataDir, 'events'), join(dataDir, 'spool')]
    const end = await fill(events, 1)
    await savePositions(join(events, POSITION_FILE), { floor: end, topics: {} })
    await fill(spool, 2)
    const log = createLogLines()

    const sink = await openSink({
      dataDir,
      kafka: { brokers: ['127.0.0.1:1'], clientId: 'test', topics: { create: false, partitions: 1 } },
      topics: [],
      spoolMaxBytes: 1_000_000,
      retention,
      restorer: () => () => undefined,
      drainMs: 0,
      inFlightMs: 0,
      clock: { now: () => Date.now() + 2 * HOUR_MS, monotonic: () => performance.now() },
      log,
      onWrite: () => undefined,
      onRelayed: () => undefined
    })
    t.teardown(() => sink.close())
    const says = 'deleted a segment that LOG_RETENTION no longer keeps'
    await until(() => log.lines.some(({ message }) => message === says), { what: 'the segment to be deleted' })
    t.strictSame(idsOnDisk(events), [])
    t.strictSame(idsOnDisk(spool), [2], 'what Kafka does not have stays')
  })
}
