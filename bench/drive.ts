import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { ClientJob, ClientResult } from './client.ts'
import type { Subject } from './subjects.ts'
import { LOAD_CORE } from './subjects.ts'
import type { Workload } from './workloads.ts'

let nextId = 1

/**
 * The measurements of the load program, and the CPU time of the subject's process at the same time, in microseconds.
 */
export type Driven = ClientResult & { readonly cpu: number }

/**
 * Loads a subject for some seconds, from a process on the other core. No caller sends a messageId twice.
 *
 * @param options.rate requests per second; default: as many as the subject accepts
 */
export async function drive(
  subject: Subject,
  workload: Workload,
  options: { seconds: number; rate?: number; core?: number }
): Promise<Driven> {
  const { bytes, idOffsets, events } = workload.body
  const job: ClientJob = {
    port: subject.port,
    path: workload.path,
    body: { bytes: bytes.toString('base64'), idOffsets, events },
    gzip: workload.gzip ?? false,
    connections: workload.connections,
    seconds: options.seconds,
    rate: options.rate ?? 0,
    firstId: nextId
  }
  // Another run may begin before this one has ended: each has its own numbers.
  nextId += Math.ceil(options.seconds * MOST_EVENTS_A_SECOND)
  const client = fork(new URL('client.ts', import.meta.url), {
    execPath: 'taskset',
    execArgv: ['-c', String(options.core ?? LOAD_CORE), process.execPath]
  })
  const before = subject.process.cpuMicroseconds()
  client.send(job)
  const [result] = (await once(client, 'message')) as [ClientResult]
  const cpu = subject.process.cpuMicroseconds() - before
  client.kill()
  return { ...result, cpu }
}

/** More than any load program sends from one core. */
const MOST_EVENTS_A_SECOND = 1_000_000
