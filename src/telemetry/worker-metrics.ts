/** The metrics with one value for each worker, a part of METRICS. All other metrics have one value for all workers. */
export const WORKER_METRICS = {
  workerUp: {
    kind: 'gauge',
    name: 'tributary_worker_up',
    help: 'With WORKERS: 1 while the worker listens and answers. While it does not, sums have its last numbers, of at most a second before.',
    labels: ['worker']
  },
  workerRestarts: {
    kind: 'gauge',
    name: 'tributary_worker_restarts',
    help: 'With WORKERS: how often the worker has ended by itself since the server started.',
    labels: ['worker']
  },
  workerMemory: {
    kind: 'gauge',
    name: 'tributary_worker_resident_memory_bytes',
    help: 'With WORKERS: resident memory of the worker. process_resident_memory_bytes is the sum, with the primary.',
    labels: ['worker']
  },
  workerCpu: {
    kind: 'gauge',
    name: 'tributary_worker_cpu_seconds',
    help: 'With WORKERS: CPU time of the worker since its own start. process_cpu_seconds_total is the sum, with the primary.',
    labels: ['worker']
  }
} as const
