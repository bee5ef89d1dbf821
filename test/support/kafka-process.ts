import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, openSync, closeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { missing } from './kafka-jars.ts'

const JVM = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']

export interface JavaProcess {
  readonly pid: number
  /** Resolves with the last output when the process has ended. */
  readonly ended: Promise<string>
  readonly running: () => boolean
  /** Sends the signal and waits for the end of the process. */
  kill(signal: NodeJS.Signals): Promise<void>
  signal(signal: NodeJS.Signals): void
}

/**
 * Starts `java <main class> <args>` with its output in `dir`/broker.log. The process ends with this one, even if this
 * one is killed (`setpriv --pdeathsig`, if it is installed).
 */
export function startJava(options: {
  readonly libs: string
  readonly dir: string
  readonly heap: string
  readonly wrapper: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly args: readonly string[]
}): Promise<JavaProcess> {
  const log = join(options.dir, 'broker.log')
  const java = ['java', `-Xmx${options.heap}`, ...JVM]
  const line = [...TETHER, ...options.wrapper, ...java, '-cp', join(options.libs, '*'), ...options.args]
  const output = openSync(log, 'a')
  const child = spawn(line[0] as string, line.slice(1), {
    cwd: options.dir,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', output, output]
  })
  closeSync(output)
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(watch(child, log)))
    child.once('error', error => reject(new Error(missing(line[0] as string), { cause: error })))
  })
}

const TETHER = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL'] : []

function watch(child: ChildProcess, log: string): JavaProcess {
  const atExit = (): void => void child.kill('SIGKILL')
  process.once('exit', atExit)
  const running = (): boolean => child.exitCode === null && child.signalCode === null
  const ended = once(child, 'exit').then(async () => {
    process.off('exit', atExit)
    return (await readFile(log, 'utf8').catch(() => '')).slice(-2_000)
  })
  return {
    pid: child.pid as number,
    ended,
    running,
    signal: signal => void child.kill(signal),
    kill: async signal => {
      if (running()) child.kill(signal)
      await ended
    }
  }
}

/** Ports that were returned. Their owners may not listen yet. */
const given = new Set<number>()

/**
 * A port of 127.0.0.1 on which nobody listens. It is below the range that outgoing connections use, so that it is still
 * free when a broker restarts.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 20_000)
    if (given.has(port)) continue
    const server = createServer()
    const free = await new Promise<boolean>(resolve => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (!free) continue
    given.add(port)
    return port
  }
}
