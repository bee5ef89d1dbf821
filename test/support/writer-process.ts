import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const WRITER = join(import.meta.dirname, 'event-log-writer.ts')

export interface WriterProcess {
  /** Its output so far, line by line. */
  readonly said: string[]
  readonly acked: number[]
  readonly refused: number[]
  /** Resolves when it has ended, with its exit code or signal (or those of the command that ran it). */
  readonly ended: Promise<number | string>
  /** Kills it with -9, also if it runs under another command. */
  kill(): void
}

/** Starts a process that appends to a log. `under` is a command that runs it, such as strace with its arguments. */
export function startWriter(options: {
  dir: string
  first?: number
  padding?: number
  under?: readonly string[]
}): WriterProcess {
  const { dir, first = 0, padding = 100, under = [] } = options
  // Without the test runner's hooks, which make SIGXFSZ end a process. Node by itself ignores that signal.
  const node = ['env', '-u', 'NODE_OPTIONS', process.execPath]
  const [command, ...args] = [...under, ...node, WRITER, dir, String(first), String(padding)]
  // One thread for files, so that a fault in the n-th system call hits the n-th call.
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' }
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env })
  const writer = { said: [] as string[], acked: [] as number[], refused: [] as number[] }
  let pid: number | undefined
  let isGone = false

  createInterface({ input: child.stdout }).on('line', line => {
    writer.said.push(line)
    const [word = '', number] = line.split(' ')
    if (word === 'pid') pid = Number(number)
    else if (word === 'acked') writer.acked.push(Number(number))
    else if (word === 'refused') writer.refused.push(Number(number))
  })
  const ended = new Promise<number | string>((resolve, reject) => {
    child.once('error', error => reject(new Error(`${command} cannot be started: install it`, { cause: error })))
    child.once('close', (code, signal) => {
      isGone = true
      resolve(code ?? signal ?? 'unknown')
    })
  })
  return {
    ...writer,
    ended,
    kill() {
      if (isGone) return
      if (pid !== undefined) process.kill(pid, 'SIGKILL')
      else child.kill('SIGKILL')
    }
  }
}
