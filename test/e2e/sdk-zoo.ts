/**
 * Every SDK and fork in the registries, as published, with the real server and a real Kafka, twice each: once without
 * errors, and once with a 503 and a 429 first. `npm run test:sdks -- --all` runs it and prints the table of
 * docs/sdks.md. Events that an SDK itself drops are a row of the table, not a failure.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import t from 'tap'
import { countOnce, sendIntoKafka } from '../support/sdks/into-kafka.ts'
import type { SdkRun } from '../support/sdks/run.ts'
import { ZOO_TABLE_FILE, toZooTable, type ZooRow } from '../support/sdks/table.ts'
import { ZOO } from '../support/sdks/zoo/zoo.ts'

const AT_ONCE = 4

const undisturbed = ZOO.map((sdk): SdkRun => ({ ...sdk, troubles: [] }))
const disturbed = ZOO.map((sdk): SdkRun => ({ ...sdk, source: `${sdk.source}-disturbed` }))
const words = new Map<string, string>()

/** The number of SDKs that a small machine can run at the same time without slowing them down. */
async function inTurns(send: (sdk: SdkRun) => Promise<void>): Promise<void> {
  const waiting = [...undisturbed, ...disturbed]
  const next = async (): Promise<void> => {
    for (let sdk = waiting.shift(); sdk !== undefined; sdk = waiting.shift()) {
      const { source } = sdk
      await send(sdk).catch((error: Error & { stderr?: string }) => words.set(source, error.stderr || error.message))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, next))
}

t.test('every SDK that gets no errors has each of its events in Kafka exactly once', async t => {
  const { records, gates, expectedOf } = await sendIntoKafka(t, [...undisturbed, ...disturbed], { run: inTurns })
  const rows = undisturbed.map((sdk, at): ZooRow => {
    const again = disturbed[at] as SdkRun
    const [calls, callsAgain] = [expectedOf(sdk), expectedOf(again)]
    const posts = gates.get(again.source)?.passed.filter(({ method }) => method === 'POST') ?? []
    return {
      name: sdk.name,
      version: sdk.version(),
      calls: calls.size,
      once: countOnce(records, sdk.source, calls),
      onceDisturbed: countOnce(records, again.source, callsAgain),
      statuses: posts.map(({ status }) => status)
    }
  })
  mkdirSync(dirname(ZOO_TABLE_FILE), { recursive: true })
  writeFileSync(ZOO_TABLE_FILE, toZooTable(rows))
  for (const { name, calls, once } of rows)
    t.equal(once, calls, `${name} delivered each event once: ${JSON.stringify([...words])}`)
})
