import t from 'tap'
import { ReportRing } from '../../src/admin/ring.ts'
import type { RequestReport } from '../../src/model/report.ts'

/** A request with a body in memory of its own. */
function reportOf(events: number, bodyBytes = 10_000): RequestReport {
  return {
    source: 'web',
    endpoint: 'batch',
    address: '127.0.0.1',
    receivedAt: 0,
    body: Buffer.from(new ArrayBuffer(bodyBytes)),
    receipt: undefined,
    timings: { judgeMs: 0, encodeMs: 0, publishMs: 0 },
    events: Array.from({ length: events }, (_, index) => ({
      outcome: 'duplicate',
      type: 'track',
      messageId: `m${index}`,
      start: 0,
      end: 2,
      fault: undefined,
      record: undefined,
      place: -1
    }))
  }
}

function fill(ring: ReportRing, requests: number, events: number): void {
  for (let i = 0; i < requests; i++) ring.add(reportOf(events), 1 + i * events)
}

t.test('A ring holds at most as many events as it may', async t => {
  const ring = new ReportRing({ maxBytes: Infinity, maxEvents: 100 })
  fill(ring, 10, 10)
  t.strictSame([ring.events, ring.firstSeq], [100, 1])
  ring.add(reportOf(1), 101)
  t.strictSame([ring.events, ring.firstSeq], [91, 11], 'the oldest request went as a whole')
  ring.add(reportOf(101), 102)
  t.strictSame([ring.events, ring.firstSeq, ring.bytes], [0, undefined, 0], 'a request that is too large is not kept')
})

t.test('A ring counts the memory that is kept alive, and stays within it', async t => {
  const ring = new ReportRing({ maxBytes: 1_000_000, maxEvents: 1_000_000 })
  fill(ring, 5_000, 2)
  t.ok(ring.bytes <= 1_000_000 && ring.bytes > 950_000, `${ring.bytes} bytes`)
  t.equal(ring.events, 2 * Math.floor(1_000_000 / (10_000 + 2 * 1_024)))
  const view = Buffer.from(new ArrayBuffer(500_000)).subarray(0, 10)
  const before = ring.events
  ring.add({ ...reportOf(1), body: view }, 20_000)
  t.ok(ring.events < before - 50, 'a small view of a large buffer keeps all of it')
})

t.test('Events are found by their seq and walked through both ways, across requests', async t => {
  const ring = new ReportRing({ maxBytes: Infinity, maxEvents: 5_000 })
  fill(ring, 4_000, 3)
  const first = ring.firstSeq ?? 0
  t.equal(first, 12_000 - ring.events + 1)
  t.equal(ring.get(first - 1), undefined)
  t.match(ring.get(first), { seq: first, event: { messageId: 'm0' } })
  t.match(ring.get(11_999), { seq: 11_999, event: { messageId: 'm1' } })
  t.equal(ring.get(12_001), undefined)
  t.strictSame(
    [...ring.after(11_995)].map(({ seq, event }) => [seq, event.messageId]),
    [
      [11_996, 'm1'],
      [11_997, 'm2'],
      [11_998, 'm0'],
      [11_999, 'm1'],
      [12_000, 'm2']
    ]
  )
  t.equal([...ring.after(0)].length, ring.events)
  t.strictSame(
    [...ring.before(first + 2)].map(({ seq }) => seq),
    [first + 1, first]
  )
  t.equal([...ring.before(99_999)].length, ring.events)
  t.strictSame([...ring.before(first)], [])
  ring.clear()
  t.strictSame([[...ring.after(0)], [...ring.before(99_999)], ring.events], [[], [], 0])
})
