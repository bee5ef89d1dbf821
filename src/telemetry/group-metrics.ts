import { Gauge, Registry } from '@prometheus-io/client'
import { METRICS } from './metric-list.ts'
import { collectRuntimeMetrics } from './runtime.ts'

/** The state of a worker. */
export interface WorkerReading {
  readonly index: number
  readonly isUp: boolean
  readonly restarts: number
}

/** The metrics of a server with workers, merged. */
export interface GroupMetrics {
  readonly contentType: string
  /** Stores the metrics of a worker, which count until its next ones, or until it ends. */
  heard(index: number, metrics: readonly object[]): void
  text(readings: readonly WorkerReading[]): Promise<string>
  /** Call this when a worker has ended. Its counters are kept, so that no sum decreases. `last`: its last metrics, if it sent them. */
  retire(index: number, last?: readonly object[]): void
}

interface Metric {
  readonly name: string
  readonly type: string
  readonly aggregator?: string
  readonly values: readonly { readonly value: number; readonly labels: Record<string, string> }[]
}

/** The kinds of metrics that are kept after their worker has ended. */
const COUNTS: ReadonlySet<string> = new Set(['counter', 'histogram'])

export function createGroupMetrics(): GroupMetrics {
  const own = new Registry()
  collectRuntimeMetrics(own)
  const gauges = {
    up: gauge(own, METRICS.workerUp),
    restarts: gauge(own, METRICS.workerRestarts),
    memory: gauge(own, METRICS.workerMemory),
    cpu: gauge(own, METRICS.workerCpu)
  }
  const latest = new Map<number, readonly Metric[]>()
  let retired: readonly Metric[] = []
  let retiring: Promise<void> = Promise.resolve()

  function show({ index, isUp, restarts }: WorkerReading): void {
    const labels = { worker: String(index) }
    gauges.up.set(labels, isUp ? 1 : 0)
    gauges.restarts.set(labels, restarts)
    const said = latest.get(index)
    gauges.memory.set(labels, valueOf(said, 'process_resident_memory_bytes'))
    gauges.cpu.set(labels, valueOf(said, 'process_cpu_seconds_total'))
  }

  async function keep(before: Promise<void>, counts: readonly Metric[]): Promise<void> {
    await before
    retired = (await Registry.aggregate([retired, counts]).getMetricsAsJSON()) as unknown as Metric[]
  }

  return {
    contentType: own.contentType,
    heard: (index, metrics) => void latest.set(index, metrics as readonly Metric[]),
    async text(readings) {
      await retiring
      readings.forEach(show)
      const mine = (await own.getMetricsAsJSON()) as unknown as Metric[]
      // The start time of the server is that of the primary, which is first in the list.
      const all = [mine, ...latest.values()].map(metrics => metrics.map(withStart))
      return Registry.aggregate([...all, retired] as object[]).metrics()
    },
    retire(index, last) {
      const counts = (last ?? latest.get(index) ?? []) as readonly Metric[]
      latest.delete(index)
      const kept = counts.filter(({ type }) => COUNTS.has(type))
      retiring = keep(retiring, kept)
    }
  }
}

function gauge(registry: Registry, { name, help, labels }: { name: string; help: string; labels: readonly string[] }) {
  return new Gauge<string>({ name, help, labelNames: [...labels], registers: [registry] })
}

function withStart(metric: Metric): Metric {
  return metric.name === 'process_start_time_seconds' ? { ...metric, aggregator: 'min' } : metric
}

function valueOf(metrics: readonly Metric[] | undefined, name: string): number {
  return metrics?.find(metric => metric.name === name)?.values[0]?.value ?? 0
}
