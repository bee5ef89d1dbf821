/** The Quix Streams program of docs/reading.md, unchanged but for the address, killed and started again on the topic of a real server. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createTopic, readTopic } from '../support/kafka.ts'
import { ownFolder } from '../support/own-folder.ts'
import { EVENTS, startEventTopic, TWINS } from '../support/reading/event-topic.ts'
import { blocksOf } from '../support/reading/readers.ts'
import { pythonWith } from '../support/sdks/zoo/install.ts'
import { until } from '../support/until.ts'

const COUNTS = 'event.counts'
/** Kafka notices only after 45 s that the killed program has gone. */
const PATIENCE_MS = 150_000

const python = await pythonWith('quixstreams==3.28.1')
const topic = await startEventTopic(t)
await createTopic(topic.brokers, COUNTS, { partitions: 3 })
const dir = ownFolder(t)
const [page = ''] = blocksOf('Python stream processors', 'python')
const program = page.replace('localhost:9092', topic.brokers.join())

function start(): ChildProcess {
  const child = spawn(python, ['-c', program], { cwd: dir, stdio: 'ignore' })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

/** The highest count of each key. */
async function highest(): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const { key, value } of await readTopic(topic.brokers, COUNTS)) {
    const { count } = JSON.parse(value) as { count: number }
    counts.set(key ?? '', Math.max(count, counts.get(key ?? '') ?? 0))
  }
  return counts
}

async function untilCounted(count: number): Promise<void> {
  const isCounted = async (): Promise<boolean> => {
    await sleep(500)
    return sum(await highest()) >= count
  }
  await until(isCounted, { what: `${count} counted events`, timeoutMs: PATIENCE_MS })
}

function sum(counts: ReadonlyMap<unknown, number>): number {
  return [...counts.values()].reduce((all, count) => all + count, 0)
}

t.test('the program of the page counts each event of a user once, although it is killed and copies come', async t => {
  const killed = start()
  await untilCounted(1)
  killed.kill('SIGKILL')
  await once(killed, 'exit')
  const stored = await topic.complete()
  t.equal(stored.length, EVENTS + TWINS, 'the topic has all events and the copies')
  const expected = new Map<string, number>()
  const ids = new Map(
    stored.map(({ key, value }) => [(JSON.parse(value) as { messageId: string }).messageId, key ?? ''] as const)
  )
  for (const key of ids.values()) expected.set(key, (expected.get(key) ?? 0) + 1)
  const child = start()
  await untilCounted(sum(expected))
  child.kill('SIGTERM')
  await once(child, 'exit')
  t.strictSame(Object.fromEntries(await highest()), Object.fromEntries(expected))
})
