/** Counting by labels without asking the library each time. */
import t from 'tap'
import { LabelTree } from '../../src/telemetry/label-tree.ts'
import { createTally } from '../../src/telemetry/tally.ts'

t.test('what was added since the last call is returned, by labels, in the order of first occurrence', async t => {
  const written: unknown[] = []
  const tally = createTally((labels, amount) => written.push([labels, amount]), ['source', 'type'])
  tally.add(['web', 'track'], 2)
  tally.add(['ios', 'track'], 1)
  tally.add(['web', 'track'], 3)
  tally.add(['web', 'page'], 0)
  tally.flush()
  t.same(written.splice(0), [
    [{ source: 'web', type: 'track' }, 5],
    [{ source: 'ios', type: 'track' }, 1],
    [{ source: 'web', type: 'page' }, 0]
  ])
  tally.add(['ios', 'track'], 4)
  tally.flush()
  t.same(written[1], [{ source: 'ios', type: 'track' }, 4])
  t.same(written[0], [{ source: 'web', type: 'track' }, 0])
})

t.test('a counter without labels has one amount', async t => {
  const written: unknown[] = []
  const tally = createTally((labels, amount) => written.push([labels, amount]), [])
  tally.flush()
  t.same(written, [], 'a counter to which nothing was added is not returned')
  tally.add([], 1)
  tally.add([], 1)
  tally.flush()
  t.same(written, [[{}, 2]])
})

t.test('label values are kept apart wherever one ends and the next begins', async t => {
  const tree = new LabelTree(values => ({ values }))
  const leaf = tree.of(['a', 'b'])
  t.equal(tree.of(['a', 'b']), leaf)
  for (const values of [['ab'], ['a'], ['a', 'b', ''], ['', 'a', 'b'], ['a\nb']]) t.not(tree.of(values), leaf)
})
