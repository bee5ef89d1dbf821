import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServerProcess } from './server-process.ts'
import { until } from './until.ts'

/** The process ids of the running workers, from the kernel. */
export function workerPids({ pid }: Pick<ServerProcess, 'pid'>): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return text === '' ? [] : text.split(' ').map(Number)
}

/** Resolves when there are `count` workers and all of them listen and answer. */
export async function allWorkersUp(server: ServerProcess, count: number): Promise<void> {
  let text = ''
  const isUp = async (): Promise<boolean> => {
    const answer = await fetch(`${server.adminUrl}/metrics`)
    text = await answer.text()
    return [...text.matchAll(/^tributary_worker_up\{worker="\d+"\} 1$/gm)].length === count
  }
  await until(isUp, { what: `${count} workers to answer`, timeoutMs: 60_000, seen: () => text.slice(0, 500) })
}

/** The folders of events of a server with workers. */
export function eventFolders(dataDir: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => join(dataDir, `worker-${index}`, 'events'))
}

/** Replaces all workers. Resolves when the server has reported that. Call it once for each server. */
export async function replaceWorkers(server: ServerProcess): Promise<void> {
  process.kill(server.pid, 'SIGUSR2')
  await until(() => server.stderr.includes('all workers are replaced'), {
    what: 'all workers to be replaced',
    timeoutMs: 100_000,
    seen: () => server.stderr.slice(-2_000)
  })
}
