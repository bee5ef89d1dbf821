import t from 'tap'
import { readTimeOption } from '../../src/cli/time-option.ts'

const read = (since?: string) => readTimeOption({ texts: { since } }, 'since')

t.test('a time is an instant, a day in UTC, or an age', async t => {
  t.equal(read('2026-11-23T10:00:00Z'), Date.UTC(2026, 10, 23, 10))
  t.equal(read('2026-11-23T10:00:00.5+01:00'), Date.UTC(2026, 10, 23, 9, 0, 0, 500))
  t.equal(read('2026-11-28'), Date.UTC(2026, 10, 28))
  const [before, age, after] = [Date.now(), read('2h') ?? 0, Date.now()]
  t.ok(age >= before - 7_200_000 && age <= after - 7_200_000)
  t.equal(read(), undefined)
})

t.test('a value that is not a time is refused, and the message says what is accepted', async t => {
  for (const text of [
    '',
    'yesterday',
    '2026',
    '2026-13-01',
    '2026-02-30',
    '2026-11-28 10:00',
    '-1h',
    '1764000000000'
  ]) {
    t.throws(() => read(text), { name: 'UsageError', message: /^--since must be a time: .*2h/ }, text)
  }
})
