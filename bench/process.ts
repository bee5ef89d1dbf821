import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Clock ticks a second of /proc: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

export interface Measured {
  readonly child: ChildProcess
  readonly pid: number
  /** The user and system time of all its threads since its start, in microseconds. */
  cpuMicroseconds(): number
  /** The most memory that it has ever used, and the memory that it uses now, in bytes. */
  peakRssBytes(): number
  rssBytes(): number
  stop(): Promise<void>
}

/** Starts a program (default: Node) on its own core, so that the load program and the broker do not share it. */
export function startProcess(options: {
  program?: string
  args: readonly string[]
  core: number
  env?: Record<string, string>
  cwd?: string
}): Measured {
  const { program = process.execPath, args, core, env, cwd } = options
  // taskset replaces itself with the program, so its pid is the server's.
  const child = spawn('taskset', ['-c', String(core), program, ...args], {
    cwd,
    env: { PATH: '/usr/bin:/bin', ...env },
    stdio: ['ignore', 'ignore', 'inherit']
  })
  const pid = child.pid as number
  const status = (key: string): number =>
    Number(new RegExp(`${key}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
  return {
    child,
    pid,
    cpuMicroseconds() {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
      return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1_000_000
    },
    peakRssBytes: () => status('VmHWM'),
    rssBytes: () => status('VmRSS'),
    async stop() {
      if (child.exitCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    }
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Long, because other programs may use the machine. */
const READY_MS = 120_000

/** Polls a URL until it answers 200. Resolves with the milliseconds that this took. */
export async function waitReady(url: string): Promise<number> {
  const started = performance.now()
  while (performance.now() - started < READY_MS) {
    const status = await fetch(url).then(
      response => response.status,
      () => 0
    )
    if (status === 200) return performance.now() - started
    await sleep(5)
  }
  throw new Error(`${url} is not ready after ${READY_MS / 1_000} s`)
}
