import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { createWorkQueue } from '../../../src/http/tracking/work-queue.ts'

function busy(milliseconds: number): void {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

t.test('work is done in the order in which it was queued, after the current turn of the event loop', async t => {
  const { later } = createWorkQueue()
  const done: number[] = []
  for (let i = 0; i < 10; i++) later(() => void done.push(i))
  t.same(done, [])
  await nextTurn()
  t.same(done, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

t.test('a long queue does not block the event loop', async t => {
  const { later } = createWorkQueue()
  let done = 0
  for (let i = 0; i < 20; i++) {
    later(() => {
      busy(2)
      done++
    })
  }
  let rounds = 0
  for (; done < 20; rounds++) await nextTurn()
  t.ok(rounds >= 6, `the event loop ran ${rounds} times during 40 ms of work`)
})

t.test('work that pauses does not block the event loop, and no queued work overtakes it', async t => {
  const { later, pause } = createWorkQueue()
  const done: string[] = []
  async function steps(name: string): Promise<void> {
    done.push(`${name}1`)
    await pause()
    done.push(`${name}2`)
    await pause()
    done.push(`${name}3`)
  }
  for (const name of ['a', 'b']) later(() => void steps(name))
  later(() => void done.push('c'))
  let rounds = 0
  for (; done.length < 7; rounds++) await nextTurn()
  t.same(done, ['a1', 'a2', 'a3', 'b1', 'b2', 'b3', 'c'])
  t.ok(rounds >= 4, `the event loop ran ${rounds} times`)
})

t.test('of several pauses at once each continues, one in each turn of the event loop', async t => {
  const { later, pause } = createWorkQueue()
  const done: string[] = []
  for (const name of ['a', 'b', 'c']) void pause().then(() => done.push(name))
  later(() => void done.push('queued'))
  for (let round = 1; round <= 4; round++) {
    await nextTurn()
    t.equal(done.length, round)
  }
  t.same(done, ['a', 'b', 'c', 'queued'])
})
