import { Registry } from '@prometheus-io/client'
import t from 'tap'
import { collectRuntimeMetrics } from '../../src/telemetry/runtime.ts'

t.test('all metrics of the runtime exist except the durations of collections', async t => {
  const registry = new Registry()
  collectRuntimeMetrics(registry)
  const text = await registry.metrics()
  for (const name of ['process_cpu_seconds_total', 'nodejs_heap_size_used_bytes', 'nodejs_eventloop_lag_p99_seconds']) {
    t.match(text, new RegExp(`^${name} \\d`, 'm'))
  }
  t.match(text, /^nodejs_version_info\{version="v/m)
  t.notMatch(text, /nodejs_gc_duration_seconds/)
})

t.test('nobody observes each garbage collection', t => {
  const watched = t.capture(PerformanceObserver.prototype, 'observe')
  collectRuntimeMetrics(new Registry())
  t.strictSame(watched(), [])
  t.end()
})
