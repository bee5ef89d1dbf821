import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { isSinkUnavailable } from '../../../src/model/sink.ts'
import { createRefusedFile } from '../../../src/durability/spool/refused-file.ts'
import { fillDisk, mountDisk } from '../../support/faults.ts'

const now = (): number => Date.parse('2026-11-23T12:00:00Z')
const record = (id: string, pad = 0) => ({
  line: Buffer.from(`${JSON.stringify({ id, pad: 'x'.repeat(pad) })}\n`),
  topic: 'tributary.events',
  reason: 'too large'
})

/** The ids of the lines that can be read, and how many others there are. */
function read(dir: string): { ids: unknown[]; torn: number } {
  const lines = readFileSync(join(dir, 'refused.jsonl'), 'utf8').split('\n').slice(0, -1)
  const ids: unknown[] = []
  let torn = 0
  for (const line of lines) {
    try {
      ids.push((JSON.parse(line) as { record: { id: unknown } }).record.id)
    } catch {
      torn++
    }
  }
  return { ids, torn }
}

t.test('a refused record begins on a line of its own, also after a record that a crash has cut off', async t => {
  const dir = t.testdir()
  const file = createRefusedFile({ dir, maxBytes: 1_000_000, now })
  await file.keep([record('a'), record('b')])
  appendFileSync(join(dir, 'refused.jsonl'), '{"refusedAt":"2026-11-23T12:00:00.000Z","topic":"t","rec')
  await createRefusedFile({ dir, maxBytes: 1_000_000, now }).keep([record('c')])
  await file.keep([record('d')])
  t.same(read(dir), { ids: ['a', 'b', 'c', 'd'], torn: 1 })
})

t.test('a disk that was full in the middle of a refused record costs no later record', async t => {
  const dir = mountDisk(t, 1)
  const file = createRefusedFile({ dir, maxBytes: 10_000_000, now })
  await file.keep([record('a')])
  const giveBack = fillDisk(dir, 4_096)
  const failure = await file.keep([record('b', 50_000)]).then(
    () => undefined,
    (error: unknown) => error
  )
  t.ok(isSinkUnavailable(failure))
  giveBack()
  await file.keep([record('b', 50_000)])
  t.match(read(dir), { ids: ['a', 'b'], torn: 1 })
})
