import { Counter, Gauge, Histogram } from '@prometheus-io/client'
import type { Registry } from '@prometheus-io/client'
import { LabelTree } from './label-tree.ts'
import type { MetricSpec } from './metric-list.ts'
import { createTally } from './tally.ts'
import type { Tally } from './tally.ts'

type Labels = Record<string, string>

/** Computes the values of a gauge when the metrics are read. */
export type Reading = () => Iterable<readonly [labels: Labels, value: number]>

/** The part of the library's histogram that is used here. */
export interface Timer {
  observe(seconds: number): void
}

/** Creates counters, gauges and histograms of the metrics library from the specs of METRICS. */
export class Instruments {
  readonly #registry: Registry

  constructor(registry: Registry) {
    this.#registry = registry
  }

  /** @param before called before the metrics are read, to add counts that are buffered elsewhere */
  count(spec: MetricSpec & { kind: 'counter' }, before?: () => void): Tally {
    const tally = createTally((labels, amount) => counter.inc(labels, amount), spec.labels)
    const counter: Counter<string> = new Counter({
      ...this.#describe(spec),
      collect() {
        before?.()
        tally.flush()
      }
    })
    return tally
  }

  time(spec: MetricSpec & { kind: 'histogram' }): LabelTree<Timer> {
    const histogram = new Histogram({ ...this.#describe(spec), buckets: [...(spec.buckets ?? [])] })
    return new LabelTree(values => histogram.labels(...values))
  }

  gauge(spec: MetricSpec & { kind: 'gauge' }, reading: Reading): void {
    new Gauge({
      ...this.#describe(spec),
      aggregator: spec.merge ?? 'sum',
      collect() {
        this.reset()
        for (const [labels, value] of reading()) this.set(labels, value)
      }
    })
  }

  #describe({ name, help, labels }: MetricSpec) {
    return { name, help, labelNames: [...labels], registers: [this.#registry] }
  }
}
