import t from 'tap'
import type { DamagedRange } from '../../../../src/durability/log/contract.ts'
import { openLog, openReader, readIds, until } from '../../../support/event-log.ts'
import { startWriter } from '../../../support/writer-process.ts'

/** The ids in a folder after a crash. Each line must be sound: the start cuts a torn line off and reports it. */
async function recover(dir: string): Promise<{ ids: unknown[]; torn: DamagedRange[]; damaged: DamagedRange[] }> {
  const torn: DamagedRange[] = []
  const damaged: DamagedRange[] = []
  const log = await openLog(dir, { onDamaged: range => torn.push(range) })
  const reader = await openReader(log, { onDamaged: range => damaged.push(range) })
  const ids = await readIds(reader)
  await reader.close()
  await log.close()
  return { ids, torn, damaged }
}

t.test('a process that is killed with -9 under load, ten times, loses nothing that was acknowledged', async t => {
  const dir = t.testdir()
  const acked: number[] = []
  for (let life = 0; life < 10; life += 1) {
    const writer = startWriter({ dir, first: life * 1_000_000 })
    t.teardown(writer.kill)
    await until(() => writer.acked.length > 100 + life * 37, 10_000)
    writer.kill()
    t.equal(await writer.ended, 'SIGKILL')
    acked.push(...writer.acked)

    const { ids, damaged } = await recover(dir)
    const found = new Set(ids)
    t.strictSame(
      acked.filter(id => !found.has(id)),
      [],
      `run ${life}: all of the ${acked.length} acknowledged records are found`
    )
    t.equal(found.size, ids.length, 'no record is stored twice')
    t.strictSame(damaged, [], 'no bytes are damaged, except a tail that was cut off')
  }
})

t.test(
  'a process that is killed between write and fsync, at the n-th fsync, loses nothing that was acknowledged',
  async t => {
    for (let n = 1; n <= 24; n += 1) {
      const dir = t.testdir()
      const inject = `inject=fdatasync:signal=SIGKILL:when=${n}`
      const under = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=fdatasync', '-e', inject]
      const writer = startWriter({ dir, under })
      t.teardown(writer.kill)
      t.not(await writer.ended, 0)
      const { ids, damaged } = await recover(dir)
      const found = new Set(ids)
      t.strictSame(
        writer.acked.filter(id => !found.has(id)),
        [],
        `killed at fsync ${n}: all of the ${writer.acked.length} acknowledged records are found`
      )
      t.strictSame(damaged, [])
    }
  }
)
