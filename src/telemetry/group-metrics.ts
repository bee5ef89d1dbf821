import { Gauge, Registry } from '@prometheus-io/client'
import type { MetricSpec } from './metric-list.ts'
import { METRICS } from './metric-list.ts'
import { collectRuntimeMetrics } from './runtime.ts'

/** The state of a worker. */
export interface WorkerReading {
  readonly index: number
  /** Whether its metrics are those of now. */
  readonly hasAnswered: boolean
  readonly isUp: boolean
  readonly restarts: number
}

/** The metrics of a server with workers, merged. */
export interface GroupMetrics {
  readonly contentType: string
  /** Stores the metrics of a worker, which count until its next ones, or until it ends. */
  heard(index: number, metrics: readonly object[]): void
  /**
   * @param backlogOnDisk the bytes in the folders of workers that have not answered and of former ones, by the number of the folder; undefined if
   *   they cannot be read: the backlog is then NaN, which nobody takes for 0
   */
  text(readings: readonly WorkerReading[], backlogOnDisk: ReadonlyMap<number, number> | undefined): Promise<string>
  /**
   * Call this when a worker has ended. Its counters are kept, so that no sum decreases, and what it said of its folder. `last`: its last metrics, if
   * it sent them.
   */
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
/** Those that its next process says again: what is on disk stays there. */
const ON_DISK: ReadonlySet<string> = new Set([METRICS.backlogBytes.name, METRICS.logBytes.name])

/** @param spoolMaxBytes SPOOL_MAX_BYTES of the server, also while a worker with its share of it is away */
export function createGroupMetrics(spoolMaxBytes: number): GroupMetrics {
  return new MergedMetrics(spoolMaxBytes)
}

class MergedMetrics implements GroupMetrics {
  readonly #own = new Registry()
  readonly #gauges = {
    up: gauge(this.#own, METRICS.workerUp),
    restarts: gauge(this.#own, METRICS.workerRestarts),
    memory: gauge(this.#own, METRICS.workerMemory),
    cpu: gauge(this.#own, METRICS.workerCpu),
    backlog: gauge(this.#own, METRICS.backlogBytes),
    spoolMax: gauge(this.#own, METRICS.spoolMaxBytes),
    ready: gauge(this.#own, METRICS.ready)
  }
  readonly #latest = new Map<number, readonly Metric[]>()
  #retired: readonly Metric[] = []
  #retiring: Promise<void> = Promise.resolve()

  constructor(spoolMaxBytes: number) {
    collectRuntimeMetrics(this.#own)
    this.#gauges.spoolMax.set(spoolMaxBytes)
    // A worker that is ready says 1.
    this.#gauges.ready.set(0)
  }

  get contentType(): string {
    return this.#own.contentType
  }

  heard(index: number, metrics: readonly object[]): void {
    this.#latest.set(index, metrics as readonly Metric[])
  }

  async text(
    readings: readonly WorkerReading[],
    backlogOnDisk: ReadonlyMap<number, number> | undefined
  ): Promise<string> {
    await this.#retiring
    for (const reading of readings) this.#show(reading)
    this.#gauges.backlog.set(this.#unsaid(backlogOnDisk))
    const mine = (await this.#own.getMetricsAsJSON()) as unknown as Metric[]
    // The start time of the server is that of the primary, which is first in the list.
    const all = [mine, ...readings.map(reading => this.#saidBy(reading))].map(metrics => metrics.map(withStart))
    return Registry.aggregate([...all, this.#retired] as object[]).metrics()
  }

  retire(index: number, last?: readonly object[]): void {
    const said = this.#latest.get(index)
    const ended = (last ?? said ?? []) as readonly Metric[]
    const onDisk = ended.filter(({ name }) => ON_DISK.has(name))
    if (said !== undefined) this.#latest.set(index, onDisk)
    const counts = ended.filter(({ type }) => COUNTS.has(type))
    this.#retiring = this.#keep(this.#retiring, counts)
  }

  #show({ index, isUp, restarts }: WorkerReading): void {
    const labels = { worker: String(index) }
    const said = this.#latest.get(index)
    this.#gauges.up.set(labels, isUp ? 1 : 0)
    this.#gauges.restarts.set(labels, restarts)
    this.#gauges.memory.set(labels, valueOf(said, 'process_resident_memory_bytes'))
    this.#gauges.cpu.set(labels, valueOf(said, 'process_cpu_seconds_total'))
  }

  /** What a worker said last; if that is not of now, without whether it is ready. */
  #saidBy({ index, hasAnswered }: WorkerReading): readonly Metric[] {
    const said = this.#latest.get(index) ?? []
    return hasAnswered ? said : said.filter(({ name }) => name !== METRICS.ready.name)
  }

  /** The bytes on disk that are not in what the workers said last. */
  #unsaid(backlogOnDisk: ReadonlyMap<number, number> | undefined): number {
    if (backlogOnDisk === undefined) return Number.NaN
    const { name } = METRICS.backlogBytes
    const more = [...backlogOnDisk].map(([index, bytes]) => Math.max(0, bytes - valueOf(this.#latest.get(index), name)))
    return more.reduce((sum, bytes) => sum + bytes, 0)
  }

  async #keep(before: Promise<void>, counts: readonly Metric[]): Promise<void> {
    await before
    this.#retired = (await Registry.aggregate([this.#retired, counts]).getMetricsAsJSON()) as unknown as Metric[]
  }
}

function gauge(registry: Registry, { name, help, labels, merge = 'sum' }: MetricSpec) {
  return new Gauge<string>({ name, help, labelNames: [...labels], registers: [registry], aggregator: merge })
}

function withStart(metric: Metric): Metric {
  return metric.name === 'process_start_time_seconds' ? { ...metric, aggregator: 'min' } : metric
}

function valueOf(metrics: readonly Metric[] | undefined, name: string): number {
  return metrics?.find(metric => metric.name === name)?.values[0]?.value ?? 0
}
