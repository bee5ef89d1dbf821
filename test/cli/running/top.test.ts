import t from 'tap'
import { parseMetrics } from '../../../src/cli/running/metrics-text.ts'
import { setUp } from './setup.ts'

t.test('top shows the traffic by source and outcome, and what waits', async t => {
  const { tributary, track } = await setUp(t)
  for (let index = 0; index < 5; index++) await track(`E${index}`)
  await track('')
  const { code, stdout } = await tributary('top', '--count', '2', '--interval', '100ms')
  t.equal(code, 0)
  t.equal(stdout.match(/SOURCE/g)?.length, 2)
  t.match(stdout, /Z {2}ready\n/)
  t.match(stdout, /\nweb +accepted +\d+ +5\n/)
  t.match(stdout, /\nweb +rejected +\d+ +1\n/)
  t.match(stdout, /lanes behind 0, bytes on disk for Kafka 0, bytes on their way /)
})

t.test('top --json prints one line for each reading, with the rate since the previous reading', async t => {
  const { tributary, track } = await setUp(t)
  const looking = tributary('top', '--count', '1', '--interval', '2s', '--json')
  let ended = false
  void looking.finally(() => (ended = true))
  let sent = 0
  for (; !ended; sent++) await track('E')
  const { stdout } = await looking
  const { sources, isReady } = JSON.parse(stdout) as {
    sources: { name: string; outcome: string; perSecond: number; total: number }[]
    isReady: boolean
  }
  t.equal(isReady, true)
  const [row] = sources.filter(({ name, outcome }) => name === 'web' && outcome === 'accepted')
  t.ok((row?.perSecond ?? 0) > 0 && (row?.total ?? 0) > 0 && (row?.total ?? 0) <= sent, JSON.stringify(row))
})

t.test('text in the format of Prometheus is read in all its spellings', async t => {
  const text =
    '# HELP a b\n# TYPE a counter\na 1\nb{x="y",z="q\\"u\\\\o\\nte"} 2.5e3 1700000000\nc{le="+Inf"} +Inf\nodd line\n'
  t.strictSame(parseMetrics(text), [
    { name: 'a', labels: {}, value: 1 },
    { name: 'b', labels: { x: 'y', z: 'q"u\\o\nte' }, value: 2500 },
    { name: 'c', labels: { le: '+Inf' }, value: Infinity }
  ])
})
