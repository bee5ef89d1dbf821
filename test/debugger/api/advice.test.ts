import t from 'tap'
import { adviceFor } from '../../../src/debugger/api/advice.ts'
import { OUTCOMES } from '../../../src/model/outcome.ts'

const probe = {
  health: { ready: true, problems: [] },
  draining: false,
  backlog: undefined,
  archive: undefined,
  dedupe: { ids: 0, maxIds: 1 },
  disk: undefined
}

function adviceOn(counts: { failed?: number; rate_limited?: number; rejected?: number; refusedRequests?: number }) {
  const { refusedRequests = 0, ...more } = counts
  const none = Object.fromEntries(OUTCOMES.map(name => [name, 0])) as Record<(typeof OUTCOMES)[number], number>
  const rest = { sources: {}, publishMs: null, backlogBytes: null, dedupeIds: 0, ready: true, seconds: 2 }
  return adviceFor(probe, [{ ...rest, at: 1_000, outcomes: { ...none, ...more }, refusedRequests }], 2_000)
}

t.test('Advice counts properly, and names the page that shows what it is about', async t => {
  t.match(adviceOn({ refusedRequests: 1 }), [{ says: /^1 request was refused in/, page: 'rejections' }])
  t.match(adviceOn({ refusedRequests: 4 }), [{ says: /^4 requests were refused in/, page: 'rejections' }])
  t.match(adviceOn({ failed: 1 }), [{ says: /^1 event failed/, page: 'live?outcome=failed' }])
  t.match(adviceOn({ failed: 2 }), [{ says: /^2 events failed/ }])
  t.match(adviceOn({ rate_limited: 1 }), [{ says: /^1 event was held back/, page: 'live?outcome=rate_limited' }])
  t.match(adviceOn({ rate_limited: 2 }), [{ says: /^2 events were held back/ }])
  t.match(adviceOn({ rejected: 20 }), [{ says: /^100 % of the events/, page: 'rejections' }])
})
