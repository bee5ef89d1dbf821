import t from 'tap'
import { createGroupMetrics } from '../../src/telemetry/group-metrics.ts'
import { METRICS } from '../../src/telemetry/metric-list.ts'

const up = { hasAnswered: true, isUp: true, restarts: 0 }
const away = { hasAnswered: false, isUp: false, restarts: 0 }

const backlog = (bytes: number): readonly object[] => [
  { ...METRICS.backlogBytes, type: 'gauge', aggregator: 'sum', values: [{ value: bytes, labels: {} }] }
]
const backlogIn = (text: string): string | undefined => /^tributary_backlog_bytes (.*)$/m.exec(text)?.[1]

t.test(
  'The backlog of a worker that does not answer is what it said last or what is on disk, whichever is more',
  async t => {
    const metrics = createGroupMetrics(100)
    metrics.heard(0, backlog(5))
    metrics.heard(1, backlog(7))
    const readings = [
      { index: 0, ...up },
      { index: 1, ...away }
    ]
    const shown = async (onDisk: number): Promise<string | undefined> =>
      backlogIn(await metrics.text(readings, new Map([[1, onDisk]])))
    for (const [onDisk, expected] of [
      [6, '12'],
      [7, '12'],
      [8, '13']
    ] as const) {
      t.equal(await shown(onDisk), expected, `${onDisk} bytes are on its disk`)
    }
    metrics.retire(1)
    t.equal(await shown(6), '12', 'what it said of its disk holds after it has ended')
  }
)

t.test('A backlog that cannot be read is no number, and not 0', async t => {
  const metrics = createGroupMetrics(100)
  metrics.heard(0, backlog(0))
  const text = await metrics.text([{ index: 0, ...up }], undefined)
  t.match(backlogIn(text), /^nan$/i)
})
