import fc from 'fast-check'
import t from 'tap'
import { ReportRing } from '../../../src/debugger/ring/ring.ts'
import { lineOf, messageIdOf } from '../../../src/model/record.ts'
import { fault } from '../../../src/model/reasons.ts'
import type { EventReport, RequestReport } from '../../../src/model/report.ts'
import type { Placement } from '../../../src/model/sink.ts'
import { testRecord } from '../../support/records.ts'
import { placesOf } from '../../support/places.ts'

/** Of receipts whose marks are offsets, one a record. */
function readMark(marks: ArrayLike<number>, index: number): readonly Placement[] {
  return [{ store: 'kafka', offset: String(marks[index]) }]
}

/** A request whose events contain `number.index`, both as received and as published. */
function reportOf(events: number, options: { number?: number; padding?: number } = {}): RequestReport {
  const { number = 0, padding = 100 } = options
  const received = Array.from({ length: events }, (_, index) => `"${number}.${index}é${'x'.repeat(padding)}"`)
  const lines = Buffer.from(received.map(text => `{"line":${text}}\n`).join(''))
  let start = 1
  let lineStart = 0
  return {
    source: `source-${number % 3}`,
    endpoint: 'batch',
    address: `10.0.0.${number}`,
    receivedAt: 1_795_000_000_000 + number,
    body: Buffer.from(`[${received.join()}]`),
    receipt: { marks: received.map((_, index) => number * 1e10 + index), read: readMark, released: true },
    timings: { judgeMs: 1, encodeMs: 2, publishMs: 3.5 },
    events: received.map((text, index): EventReport => {
      const end = start + Buffer.byteLength(text)
      const lineEnd = lines.indexOf('\n', lineStart) + 1
      const messageId = `m${number}.${index}`
      const bounds = { start, end }
      const record = { ...testRecord({ line: Buffer.alloc(0), messageId }), ...bounds }
      const published = { block: lines, lineStart, lineEnd }
      start = end + 1
      lineStart = lineEnd
      if (index % 2 === 0) return { ...record, ...published, outcome: 'accepted', fault: undefined, place: index / 2 }
      return { ...record, kind: 'rejected', type: 'unknown', outcome: 'rejected', fault: fault('too_deep'), place: -1 }
    })
  }
}

/** Everything that can be read of an event, by its position in the given report. */
function expected(report: RequestReport, index: number, seq: number) {
  const { source, endpoint, address, receivedAt, receipt, timings } = report
  const event = report.events[index] as EventReport
  const { outcome, type, fault: why, place, start, end } = event
  const messageId = messageIdOf(event)
  const published = place < 0 ? undefined : lineOf(event).subarray(0, -1).toString()
  const request = { source, endpoint, address, receivedAt, timings, events: report.events.length }
  const received = report.body.toString('utf8', start, end)
  return {
    seq,
    request,
    event: {
      outcome,
      type,
      messageId,
      fault: why,
      effects: [],
      place,
      kind: place < 0 ? undefined : event.kind,
      received,
      published,
      places: place < 0 || receipt === undefined ? [] : placesOf(receipt, place)
    }
  }
}

type Stored = NonNullable<ReturnType<ReportRing['get']>>

function shown({ event, ...rest }: Stored) {
  return { ...rest, event: { ...event, received: event.received.toString(), published: event.published?.toString() } }
}

function fill(ring: ReportRing, requests: number, events: number): void {
  for (let i = 0; i < requests; i++) ring.add(reportOf(events), 1 + i * events)
}

t.test('for any requests, the newest are kept byte for byte, within the limits', async t => {
  const request = fc.record({ events: fc.integer({ min: 1, max: 12 }), padding: fc.nat(700), gap: fc.nat(2) })
  fc.assert(
    fc.property(fc.array(request, { maxLength: 60 }), fc.integer({ min: 2_000, max: 20_000 }), (requests, maxBytes) => {
      const ring = new ReportRing({ maxBytes, maxEvents: 40 })
      const all: ReturnType<typeof expected>[] = []
      let seq = 1
      for (const [number, { events, padding, gap }] of requests.entries()) {
        const report = reportOf(events, { number, padding })
        const kept = ring.events
        ring.add(report, seq)
        // Larger than the whole ring, so it leaves no trace.
        if (ring.events === kept && ring.get(seq) === undefined) continue
        all.push(...report.events.map((_, index) => expected(report, index, seq + index)))
        seq += events + gap
      }
      const latest = all.slice(all.length - ring.events)
      t.strictSame([...ring.after(0)].map(shown), latest)
      t.strictSame([...ring.before(seq)].map(shown), latest.toReversed())
      for (const one of latest) t.strictSame(shown(ring.get(one.seq) as Stored), one)
      for (const gone of all.slice(0, all.length - ring.events)) t.equal(ring.get(gone.seq), undefined)
      t.equal(ring.firstSeq === undefined, latest.length === 0)
      t.ok(ring.bytes <= maxBytes && ring.events <= 40)
    }),
    { numRuns: 100 }
  )
})

t.test('a number between two events reads whole events, and never the memory between them', async t => {
  const ring = new ReportRing({ maxBytes: 100_000, maxEvents: 100 })
  fill(ring, 3, 5)
  const seqs = (events: Iterable<Stored>): number[] => [...events].map(({ seq }) => seq)
  for (const seq of [-0.5, 0.25, 4.5, 5.999, 14.5]) {
    t.same(seqs(ring.after(seq)), seqs(ring.after(Math.floor(seq))), `the events after ${seq} are whole`)
    t.same(seqs(ring.before(seq)), seqs(ring.before(Math.ceil(seq))), `the events before ${seq} are whole`)
    t.equal(ring.get(seq), undefined)
  }
})

t.test('a ring uses all of its memory', async t => {
  const ring = new ReportRing({ maxBytes: 1_000_000, maxEvents: 1_000_000 })
  fill(ring, 5_000, 2)
  t.ok(ring.bytes <= 1_000_000 && ring.bytes > 950_000, `the ring uses ${ring.bytes} bytes`)
})

t.test('a request that is larger than the ring is not kept, and evicts nothing', async t => {
  const ring = new ReportRing({ maxBytes: 100_000, maxEvents: 100 })
  fill(ring, 10, 10)
  t.strictSame([ring.events, ring.firstSeq], [100, 1])
  ring.add(reportOf(1), 101)
  t.strictSame([ring.events, ring.firstSeq], [91, 11], 'the oldest request was evicted as a whole')
  ring.add(reportOf(101), 102)
  ring.add(reportOf(1, { padding: 60_000 }), 203)
  t.strictSame([ring.events, ring.firstSeq], [91, 11])
})

t.test('events may be evicted during a slow walk, and the walk continues with the remaining events', async t => {
  const ring = new ReportRing({ maxBytes: 100_000, maxEvents: 30 })
  fill(ring, 3, 10)
  const walk = ring.after(0)
  t.equal(walk.next().value?.seq, 1)
  for (const firstSeq of [31, 41]) ring.add(reportOf(10), firstSeq)
  t.equal(walk.next().value?.seq, 21)
  t.equal([...walk].length, 29)
  ring.clear()
  t.strictSame([[...ring.after(0)], [...ring.before(99_999)], ring.events], [[], [], 0])
})

t.test('a ring still grows after its first requests were evicted, and keeps the order', async t => {
  const ring = new ReportRing({ maxBytes: 4 * 1024 * 1024, maxEvents: 100_000 })
  let seq = 1
  const add = (padding: number): void => ring.add(reportOf(1, { number: seq, padding }), seq++)
  for (let i = 0; i < 10; i++) add(1_000_000)
  for (let i = 0; i < 5_000; i++) add(1)
  const kept = [...ring.after(0)]
  t.ok(kept.length > 2_048, `the ring keeps ${kept.length} events`)
  t.same(
    kept.map(stored => [stored.seq, stored.event.messageId]),
    Array.from({ length: kept.length }, (_, i) => seq - kept.length + i).map(at => [at, `m${at}.0`])
  )
})
