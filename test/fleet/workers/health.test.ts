/** /readyz of a server with workers says each problem once, with the workers that have it. */
import t from 'tap'
import { healthOfAll } from '../../../src/fleet/workers/health.ts'
import type { Slot } from '../../../src/fleet/workers/slot.ts'

const slot = (index: number, problems: readonly string[], ready = true): Slot =>
  ({ index, state: 'listening', isSilent: false, beat: { ready, problems } }) as unknown as Slot

t.test('A worker that says one thing for several of its folders is named once', async t => {
  const full = 'the disk at / is nearly full'
  const away = 'Kafka refuses connections'
  t.same(healthOfAll([slot(0, [full, full]), slot(1, [full, away, full]), slot(2, [])]).problems, [
    `workers 0, 1: ${full}`,
    `worker 1: ${away}`
  ])
  t.same(healthOfAll([0, 1, 2].map(index => slot(index, [away, away]))).problems, [`all workers: ${away}`])
})
