import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { ClientJob, ClientResult } from './client.ts'
import type { Subject } from './subjects.ts'
import { LOAD_CORE } from './subjects.ts'
import type { Workload } from './workloads.ts'

let nextId = 1

/** What the load program saw, and the CPU microseconds that the subject's process took meanwhile. */
export type Driven = ClientResult & { readonly cpu: number }

/**
 * Loads a subject for so many seconds, from a process on the other core; no messageId is sent twice by one caller.
 *
 * @param options.rate requests a second; default: as many as the subject takes
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
  // Others may begin before this one is done: each has numbers of its own.
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

/** No load program sends more from one core. */
const MOST_EVENTS_A_SECOND = 1_000_000
