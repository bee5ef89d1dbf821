import t from 'tap'
import { createMask } from '../../../src/debugger/ring/mask.ts'
import { createLiveFeed } from '../../../src/debugger/live/live.ts'
import type { RecentEvents } from '../../../src/debugger/ring/recent.ts'
import type { StoredEvent } from '../../../src/debugger/ring/ring.ts'
import { until } from '../../support/until.ts'

/** More than a tick of the stream may take. */
const SLOW_MS = 3
const EVENTS = 100_000

function storedEvent(seq: number): StoredEvent {
  const timings = { judgeMs: 0, encodeMs: 0, publishMs: 0 }
  return {
    seq,
    request: { endpoint: 'track', address: '127.0.0.1', receivedAt: 0, timings, source: 'web', events: 1 },
    event: {
      outcome: 'accepted',
      type: 'track',
      messageId: `m${seq}`,
      place: -1,
      kind: undefined,
      received: Buffer.from('{}'),
      published: undefined,
      fault: undefined,
      effects: [],
      places: []
    }
  }
}

t.test('if a machine is too slow for the stream, the stream skips whole events, and shows whole events', async t => {
  const askedFrom: number[] = []
  const recent = {
    nextSeq: () => EVENTS + 1,
    firstSeq: () => 1,
    subscribe: () => () => undefined,
    *after(seq: number) {
      askedFrom.push(seq)
      for (let next = seq + 1; next <= EVENTS; next++) yield storedEvent(next)
    }
  } as unknown as RecentEvents
  const live = createLiveFeed({
    recent,
    mask: createMask({ isKey: () => false, lengths: () => new Set(), version: () => 0 })
  })
  const shown: number[] = []
  const stop = live.watch(
    {
      matches() {
        for (const end = performance.now() + SLOW_MS; performance.now() < end;);
        return true
      },
      ready: () => true,
      send(json) {
        const { rows, skipped } = JSON.parse(json) as { rows: { seq: number }[]; skipped: number }
        shown.push(...rows.map(({ seq }) => seq), skipped)
      },
      end: () => undefined
    },
    1
  )
  t.teardown(stop)
  await until(() => askedFrom.length >= 14, { what: 'the stream to fall behind', timeoutMs: 60_000 })
  t.same(
    [...askedFrom, ...shown].filter(seq => !Number.isSafeInteger(seq)),
    [],
    'every number is an integer'
  )
})
