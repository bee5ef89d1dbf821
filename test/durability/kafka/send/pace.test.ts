import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createPace } from '../../../../src/durability/kafka/send/pace.ts'

t.test(
  'turns that follow one another are the gap apart, but for the millisecond that a timer may be early',
  async t => {
    const pace = createPace(5)
    const turns: number[] = []
    for (let i = 0; i < 10; i++) {
      await pace()
      turns.push(performance.now())
    }
    const gaps = turns.slice(1).map((at, i) => at - (turns[i] as number))
    t.ok(Math.min(...gaps) >= 4, `gaps of ${gaps.map(gap => gap.toFixed(2)).join(', ')} ms`)
  }
)

t.test('whoever comes after a pause, and the first of all, waits for no timer', async t => {
  const pace = createPace(1_000_000)
  await pace()
  const brief = createPace(1)
  await brief()
  await sleep(5)
  let waited = false
  const timer = setImmediate(() => (waited = true))
  await brief()
  t.notOk(waited)
  clearImmediate(timer)
})
