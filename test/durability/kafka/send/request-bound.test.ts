import t from 'tap'
import { RequestBound } from '../../../../src/durability/kafka/send/request-bound.ts'

const MAX_REQUEST_BYTES = 512 * 1024

/** A broker with a quota in bytes a second, as Kafka 4.x counts: SampledStat of 11 samples of a second, and Rate. */
class Broker {
  readonly #quota: number
  #samples: { at: number; bytes: number }[] = []

  constructor(quota: number) {
    this.#quota = quota
  }

  /** Returns the seconds for which it throttles the client. */
  take(bytes: number, now: number): number {
    const last = this.#samples.at(-1)
    if (last !== undefined && now - last.at < 1) last.bytes += bytes
    else this.#samples = [...this.#samples, { at: now, bytes }].slice(-11)
    this.#samples = this.#samples.filter(({ at }) => now - at < 11)
    const age = now - (this.#samples[0]?.at ?? now)
    const seconds = age + Math.max(0, 10 - Math.floor(age))
    const rate = this.#samples.reduce((sum, { bytes }) => sum + bytes, 0) / seconds
    return Math.max(0, ((rate - this.#quota) / this.#quota) * seconds)
  }
}

/** A client that has `load` bytes a second to send. Returns the longest throttle, and the part of the quota that it used. */
function send({ quota, load }: { quota: number; load: number }): { longest: number; used: number; waiting: number } {
  const [broker, bound, seconds] = [new Broker(quota), new RequestBound(), 600]
  let [sent, longest] = [0, 0]
  for (let now = 0; now < seconds;) {
    const bytes = Math.min(load * now - sent, bound.bytes)
    const throttle = bytes < 400 ? 0 : broker.take(bytes, now)
    if (bytes >= 400) {
      sent += bytes
      bound.answered(bytes, throttle * 1_000, now * 1_000)
    }
    longest = Math.max(longest, throttle)
    now += throttle + 0.01
  }
  return { longest, used: sent / seconds / quota, waiting: load * seconds - sent }
}

for (const quota of [1_000, 3_000, 12_000, 30_000]) {
  for (const over of [1.1, 1.5, 3, 7]) {
    t.test(
      `a quota of ${quota} bytes a second and ${over} times the load: all of it is used, in requests of one window`,
      async t => {
        const { longest, used } = send({ quota, load: over * quota })
        t.ok(used >= 1, `${used.toFixed(2)} of the quota was used`)
        t.ok(longest < 40, `the longest throttle was ${longest.toFixed(0)} s`)
      }
    )
  }
  t.test(`a quota of ${quota} bytes a second and less load than it allows: nothing stays behind`, async t => {
    const { waiting } = send({ quota, load: 0.95 * quota })
    t.ok(waiting < 12 * quota, `${waiting} bytes wait`)
  })
}

t.test('the bound is that of a broker without a quota soon after the quota is lifted', async t => {
  const bound = new RequestBound()
  bound.answered(MAX_REQUEST_BYTES, 170_000, 0)
  t.ok(bound.bytes < MAX_REQUEST_BYTES / 5, `${bound.bytes} bytes after a throttle of 170 s`)
  for (let answers = 0; answers < 5; answers++) bound.answered(bound.bytes, 0, 170_000 + answers)
  t.equal(bound.bytes, MAX_REQUEST_BYTES)
})

t.test('a throttle of 0 leaves a request its 512 KiB', async t => {
  const bound = new RequestBound()
  bound.answered(1_000, 0, 0)
  t.equal(bound.bytes, MAX_REQUEST_BYTES)
})

t.test('a request may always have 1 KiB', async t => {
  const bound = new RequestBound()
  bound.answered(100, 3_600_000, 0)
  t.equal(bound.bytes, 1_024)
})
t.end()
