import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { ServerProcess } from '../../support/server-process.ts'
import { AUTHORIZATION, startServer } from '../../support/server-process.ts'
import { allWorkersUp } from '../../support/workers.ts'
import { ownFolder } from '../../support/own-folder.ts'

const PER_SECOND = 50
/** The burst is never below a whole batch. */
const BURST = 100
const OFFERED_PER_SECOND = 200
const SECONDS = 15
/** Other programs can prevent that the whole load is offered. A wrong share occurs each time. */
const ATTEMPTS = 3

for (const workers of [1, 4]) {
  t.test(
    `${workers} workers together accept a source's rate limit, within 10 %, and answer 429 to the rest`,
    { timeout: 100_000 },
    async t => {
      const dir = ownFolder(t)
      const limit = `rateLimit: { eventsPerSecond: ${PER_SECOND} }`
      writeFileSync(join(dir, 'tributary.yml'), `sources:\n  - { id: web, writeKeys: [wk_test], ${limit} }\n`)
      const env = { WORKERS: String(workers), MAX_BATCH_EVENTS: String(BURST) }
      const server = await startServer(t, { dir, env })
      await allWorkersUp(server, workers)
      let isWithin = false
      for (let attempt = 0; attempt < ATTEMPTS && !isWithin; attempt++) {
        const { passed, seconds, others } = await offer(server)
        // The burst is there once.
        const allowed = (attempt === 0 ? BURST : 0) + PER_SECOND * seconds
        t.comment(`${passed} events passed in ${seconds.toFixed(1)} s, and ${allowed.toFixed(0)} are allowed`)
        t.strictSame(others, [], 'every answer is 200 or 429')
        isWithin = Math.abs(passed - allowed) <= allowed / 10
      }
      t.ok(isWithin, 'the passed events are within 10 % of the limit')
    }
  )
}

/** Offers more events than the limit, on connections of its own. */
async function offer({ url }: ServerProcess): Promise<{ passed: number; seconds: number; others: number[] }> {
  const headers = { 'content-type': 'application/json', authorization: AUTHORIZATION, connection: 'close' }
  const body = JSON.stringify({ userId: 'u', event: 'e' })
  const others: number[] = []
  let passed = 0
  async function sendOne(): Promise<void> {
    const answer = await fetch(`${url}/v1/track`, { method: 'POST', headers, body })
    await answer.arrayBuffer()
    if (answer.status === 200) passed++
    else if (answer.status !== 429) others.push(answer.status)
  }
  const started = performance.now()
  const open = new Set<Promise<void>>()
  for (let sent = 0; performance.now() - started < SECONDS * 1_000; sent++) {
    const one = sendOne()
    open.add(one)
    void one.finally(() => open.delete(one))
    await sleep(Math.max(0, started + ((sent + 1) * 1_000) / OFFERED_PER_SECOND - performance.now()))
  }
  await Promise.all(open)
  return { passed, seconds: (performance.now() - started) / 1_000, others }
}
