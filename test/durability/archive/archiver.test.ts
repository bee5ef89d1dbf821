import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { Archiver } from '../../../src/durability/archive/archiver.ts'
import { openArchiveFolder } from '../../../src/durability/archive/folder.ts'
import { readArchive, readArchiveLines } from '../../../src/durability/archive/segments.ts'
import { run } from '../../cli/run.ts'
import { createLogLines } from '../../support/event-log.ts'
import { fillDisk, mountDisk } from '../../support/faults.ts'
import {
  createTopic,
  deleteRecords,
  deleteTopic,
  produceValues,
  startKafka,
  topicOffsets
} from '../../support/kafka.ts'
import { ownFolder } from '../../support/own-folder.ts'
import { until } from '../../support/until.ts'

const PROCESS = join(import.meta.dirname, '..', '..', 'support', 'archive-process.ts')
const TIMEOUT_MS = 60_000
const PARTITIONS = 3
const kafka = await startKafka()
t.teardown(() => kafka.stop())

/** A topic of its own with three partitions, and a function that writes events to it. */
async function newTopic(t: Test) {
  const topic = `archive-${randomUUID()}`
  await createTopic(kafka.brokers, topic, { partitions: PARTITIONS })
  let hour = 0
  const inTopic = async (): Promise<number> =>
    (await topicOffsets(kafka.brokers, topic)).reduce((sum, { high }) => sum + high, 0)
  return {
    topic,
    dir: join(ownFolder(t), 'archive'),
    /** Writes events of one hour of 2026-11-23; the first call's are of 01:00. Returns the messageIds. */
    async publish(events: number): Promise<string[]> {
      hour++
      const at = Date.UTC(2026, 10, 23, hour)
      const ids = Array.from({ length: events }, (_, number) => `m-${hour}-${number}`)
      const records = ids.map((messageId, number) => {
        const partition = number % PARTITIONS
        const [userId, receivedAt] = [`u${number % 7}`, new Date(at + number).toISOString()]
        const event = {
          type: 'track',
          event: 'E',
          userId,
          messageId,
          properties: { padding: 'x'.repeat(100) },
          receivedAt
        }
        return { partition, key: userId, value: JSON.stringify(event), timestamp: String(at + number) }
      })
      const before = await inTopic()
      await produceValues(kafka.brokers, topic, records)
      const written = (await inTopic()) - before
      if (written !== events) throw new Error(`${written} records were written instead of ${events}`)
      return ids
    }
  }
}

function archive(t: Test, dir: string, topic: string, more: object = {}) {
  const log = createLogLines()
  const archiver = new Archiver({
    dir,
    settings: { brokers: kafka.brokers, clientId: 'archive-test' },
    topics: () => [topic],
    retention: {},
    clock: { now: Date.now, monotonic: () => performance.now() },
    log,
    segmentAgeMs: 0,
    pauseMs: 50,
    ...more
  })
  t.teardown(() => archiver.close())
  return { archiver, log }
}

async function idsIn(dir: string): Promise<string[]> {
  const ids: string[] = []
  const { segments } = await readArchive(dir).catch(() => ({ segments: [] }))
  for (const { file } of segments) {
    for await (const lines of readArchiveLines(join(dir, file))) {
      for (const line of lines) ids.push((JSON.parse(line.toString()) as { messageId: string }).messageId)
    }
  }
  return ids.toSorted()
}

const holds = (dir: string, ids: readonly string[]): Promise<void> =>
  until(async () => (await idsIn(dir)).length >= ids.length, {
    what: `${ids.length} records in the archive`,
    timeoutMs: TIMEOUT_MS
  })

t.test('an archive that is killed at any time holds each record of Kafka once', async t => {
  const { topic, dir, publish } = await newTopic(t)
  const ids: string[] = []
  // A process first renames its lock, then, for each segment, the segment and archive.json. Each rename follows an
  // fdatasync and precedes an fsync. The very first process renames archive.json before these.
  const kills = [
    ['rename', 2],
    ['rename', 4],
    ['fdatasync', 1],
    ['rename', 3],
    ['fsync', 2]
  ] as const
  for (const [call, nth] of kills) {
    ids.push(...(await publish(300)))
    const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=SIGKILL:when=${nth}`]
    const node = [process.execPath, PROCESS, dir, kafka.brokers.join(','), topic]
    const { signal, stderr } = await run('strace', ['-D', '-f', '-qq', '-o', '/dev/null', ...inject, ...node], {
      cwd: '/',
      env: { UV_THREADPOOL_SIZE: '1' }
    })
    t.equal(signal, 'SIGKILL', `the archiver was killed at call ${nth} of ${call}: ${stderr}`)
    const found = await idsIn(dir)
    t.equal(new Set(found).size, found.length, 'no record is stored twice')
  }
  const { archiver } = archive(t, dir, topic)
  await holds(dir, ids)
  await archiver.close()
  t.strictSame(await idsIn(dir), ids.toSorted(), 'the archive holds each record once')
  t.notOk(readdirSync(dir).some(name => name.endsWith('.tmp')))
})

t.test('on a full disk the archive says so, keeps its content, and continues when there is space', async t => {
  const { topic, publish } = await newTopic(t)
  const disk = mountDisk(t, 4)
  const dir = join(disk, 'archive')
  const ids = await publish(300)
  const { archiver } = archive(t, dir, topic)
  await holds(dir, ids)
  const free = fillDisk(disk, 0)
  ids.push(...(await publish(300)))
  await until(() => archiver.problems().some(words => /archive .* does not grow: ENOSPC/.test(words)), {
    what: 'the archive to report the full disk',
    timeoutMs: TIMEOUT_MS
  })
  t.equal((await idsIn(dir)).length, 300, 'the archive keeps its records')
  free()
  await holds(dir, ids)
  await until(() => archiver.problems().length === 0, {
    what: 'the archive to report no problem',
    timeoutMs: TIMEOUT_MS
  })
  await archiver.close()
  t.strictSame(await idsIn(dir), ids.toSorted(), 'the archive holds each record once')
})

t.test(
  'segments are deleted by age and by size, the oldest first, and records that were read are not read again',
  async t => {
    const { topic, dir, publish } = await newTopic(t)
    const first = await publish(200)
    const one = archive(t, dir, topic)
    await holds(dir, first)
    const second = await publish(200)
    await holds(dir, [...first, ...second])
    await one.archiver.close()
    // The events of the first are received at 01:00, those of the second at 02:00.
    const at = Date.UTC(2026, 10, 23, 12)
    const clock = { now: () => at, monotonic: () => performance.now() }
    const two = archive(t, dir, topic, { retention: { ageMs: 10.5 * 3_600_000 }, clock })
    await until(() => two.log.lines.some(({ message }) => message.includes('ARCHIVE_RETENTION')), {
      what: 'the first segment to be deleted',
      timeoutMs: TIMEOUT_MS
    })
    t.strictSame(await idsIn(dir), second.toSorted())
    await two.archiver.close()
    const three = archive(t, dir, topic, { retention: { bytes: 1 } })
    await until(() => three.log.lines.some(({ message }) => message.includes('ARCHIVE_RETENTION')), {
      what: 'the second segment to be deleted',
      timeoutMs: TIMEOUT_MS
    })
    const third = await publish(100)
    await until(() => three.log.lines.length >= 2, { what: 'the third segment to be deleted', timeoutMs: TIMEOUT_MS })
    await three.archiver.close()
    const fourth = await publish(100)
    const four = archive(t, dir, topic)
    await holds(dir, fourth)
    t.strictSame(await idsIn(dir), fourth.toSorted(), `the archive holds none of the ${third.length} deleted records`)
    await four.archiver.close()
  }
)

t.test('one process at a time writes an archive, and another takes over', async t => {
  const { topic, dir, publish } = await newTopic(t)
  const ids = await publish(100)
  const one = archive(t, dir, topic)
  await holds(dir, ids)
  const two = archive(t, dir, topic)
  const isWaiting = (): boolean => two.archiver.problems().some(problem => problem.includes('another process writes'))
  await until(isWaiting, { what: 'the second archive to wait for the first', timeoutMs: TIMEOUT_MS })
  await one.archiver.close()
  ids.push(...(await publish(100)))
  await holds(dir, ids)
  await two.archiver.close()
  t.strictSame(await idsIn(dir), ids.toSorted())
})

t.test(
  'records that retention deletes from the topic before they are read are missing, logged and counted',
  async t => {
    const { topic, dir, publish } = await newTopic(t)
    const ids = await publish(100)
    const one = archive(t, dir, topic)
    await holds(dir, ids)
    await one.archiver.close()
    await publish(50)
    const ends = await topicOffsets(kafka.brokers, topic)
    await deleteRecords(
      kafka.brokers,
      topic,
      ends.map(({ partition, high }) => ({ partition, offset: String(high) }))
    )
    ids.push(...(await publish(100)))
    const two = archive(t, dir, topic)
    await holds(dir, ids)
    await until(() => two.archiver.levels().behind === 0, {
      what: 'the second archive to have read all records',
      timeoutMs: TIMEOUT_MS
    })
    t.equal(two.archiver.levels().lost, 50, 'each deleted record is counted once')
    const said = two.log.lines.filter(({ message }) =>
      /lacks records: Kafka has deleted \d+ records that were not read/.test(message)
    )
    t.equal(said.length, ends.length, 'the log has a line for each partition')
    await two.archiver.close()
    t.strictSame(await idsIn(dir), ids.toSorted(), 'the archive holds each of the other records once')
  }
)

t.test('a stop does not wait for a Kafka that does not answer', async t => {
  const dir = join(ownFolder(t), 'archive')
  const silent = createServer(() => undefined).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const { port } = silent.address() as AddressInfo
  const { archiver } = archive(t, dir, 'any', {
    settings: { brokers: [`127.0.0.1:${port}`], clientId: 'archive-test' }
  })
  await once(silent, 'connection')
  const begun = performance.now()
  await archiver.close()
  t.ok(performance.now() - begun < 10_000, `the stop took ${performance.now() - begun} ms`)
})

t.test('a topic that was created again is read from its beginning, and the log says so', async t => {
  const { topic, dir, publish } = await newTopic(t)
  const ids = await publish(100)
  const { archiver, log } = archive(t, dir, topic)
  await holds(dir, ids)
  await deleteTopic(kafka.brokers, topic)
  await until(
    () =>
      createTopic(kafka.brokers, topic, { partitions: 3 }).then(
        () => true,
        () => false
      ),
    {
      what: 'the topic to be created again',
      timeoutMs: TIMEOUT_MS
    }
  )
  ids.push(...(await publish(100)))
  await holds(dir, ids)
  t.match(log.lines.find(({ message }) => message.includes('lacks records'))?.message, /was made anew/)
  await archiver.close()
  t.strictSame(await idsIn(dir), ids.toSorted(), 'the archive holds each record once')
})

t.test('a folder with segments but without archive.json is not changed', async t => {
  const dir = ownFolder(t)
  writeFileSync(join(dir, '20261123T114300Z-00000042.ndjson.zst'), '')
  await t.rejects(openArchiveFolder(dir), { message: /holds segments without their archive\.json/ })
  t.strictSame(readdirSync(dir).filter(name => name.endsWith('.zst')).length, 1)
})
