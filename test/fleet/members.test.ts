import t from 'tap'
import { followMembers } from '../../src/fleet/members/members.ts'
import type { FleetWrite } from '../../src/fleet/topics/topics.ts'
import { MemoryTopics } from '../support/memory-topics.ts'
import { until } from '../support/until.ts'

/** Topics on which a heartbeat that does not announce a stop arrives only when the test allows it. */
class SlowHeartbeats extends MemoryTopics {
  readonly #gate = Promise.withResolvers<void>()
  held = 0

  letThrough(): void {
    this.#gate.resolve()
  }

  override async write(topic: string, writes: readonly FleetWrite[]): Promise<bigint> {
    if (writes.some(({ value }) => value?.includes('"leaving":false'))) {
      this.held++
      await this.#gate.promise
    }
    return await super.write(topic, writes)
  }
}

const SELF = {
  name: 'a',
  instance: 'a',
  startedAt: 1,
  version: '1',
  adminUrl: 'http://127.0.0.1:1',
  config: { version: 1, hash: '', problem: null },
  kafka: { reached: true, problem: null },
  backlogBytes: 0,
  demand: {}
}

t.test('a server that leaves is gone for the others, also if its last heartbeat is still in flight', async t => {
  const topics = new SlowHeartbeats()
  const others = followMembers({ topics, self: undefined })
  const leaving = followMembers({ topics, self: () => SELF })
  await until(() => topics.held > 0, { what: 'a heartbeat in flight' })
  const closed = leaving.close()
  topics.letThrough()
  await closed
  await until(() => topics.records(topics.names.members).length >= 2, {
    what: 'the heartbeat and the record of the leaving server'
  })
  t.same(others.live(), [])
  await others.close()
})
