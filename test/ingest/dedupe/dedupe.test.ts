import t from 'tap'
import { HashIdWindow } from '../../../src/ingest/dedupe/id-window.ts'
import type { DedupeClaims } from '../../../src/ingest/dedupe/dedupe.ts'
import { createDedupe } from '../../../src/ingest/dedupe/dedupe.ts'
import { systemClock } from '../../../src/model/clock.ts'

function createSubject() {
  const windows = new Map<string, HashIdWindow>()
  const options = { maxIds: 100, windowMs: 60_000, clock: systemClock, seed: [1, 2] } as const
  return createDedupe(source => {
    const window = windows.get(source) ?? new HashIdWindow(options)
    windows.set(source, window)
    return window
  })
}

function claim(claims: DedupeClaims, messageId: string): ReturnType<DedupeClaims['claim']> {
  const bytes = Buffer.from(messageId)
  return claims.claim(bytes, 0, bytes.length)
}

t.test('an id is a duplicate only after the request that contained it became durable', async t => {
  const dedupe = createSubject()
  const first = dedupe.begin('web')
  t.equal(claim(first, 'm1'), 'new')
  first.abort()
  const second = dedupe.begin('web')
  t.equal(claim(second, 'm1'), 'new', 'after the first request failed, the second request may publish')
  second.commit()
  t.equal(claim(dedupe.begin('web'), 'm1'), 'duplicate')
})

t.test('sources do not share ids', async t => {
  const dedupe = createSubject()
  const first = dedupe.begin('web')
  void claim(first, 'm1')
  first.commit()
  t.equal(claim(dedupe.begin('app'), 'm1'), 'new')
})

t.test('the second of two equal ids in one request is a duplicate', async t => {
  const claims = createSubject().begin('web')
  t.equal(claim(claims, 'm1'), 'new')
  t.equal(claim(claims, 'm1'), 'duplicate')
})

t.test('a concurrent request with the same id waits for the result of the first', async t => {
  const dedupe = createSubject()
  for (const durable of [true, false]) {
    const id = `m-${durable}`
    const first = dedupe.begin('web')
    const second = dedupe.begin('web')
    void claim(first, id)
    const fate = claim(second, id)
    t.ok(fate instanceof Promise)
    if (durable) first.commit()
    else first.abort()
    t.equal(await fate, durable)
  }
})

t.test('two requests that wait for each other both end', async t => {
  const dedupe = createSubject()
  const a = dedupe.begin('web')
  const b = dedupe.begin('web')
  void claim(a, 'x')
  void claim(b, 'y')
  const aWaits = claim(a, 'y')
  const bWaits = claim(b, 'x')
  a.commit()
  b.commit()
  t.same(await Promise.all([aWaits, bWaits]), [true, true])
})

t.test('a reused ticket belongs to the request that has it now', async t => {
  const dedupe = createSubject()
  const first = dedupe.begin('web')
  t.equal(claim(first, 'a'), 'new')
  first.abort()
  const second = dedupe.begin('web')
  t.equal(claim(second, 'b'), 'new')
  t.equal(claim(first, 'c'), 'new')
  const fate = claim(first, 'b')
  t.ok(fate instanceof Promise)
  second.commit()
  t.equal(await fate, true)
})
