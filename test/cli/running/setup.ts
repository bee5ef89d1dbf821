import type { Test } from 'tap'
import { COMMANDS } from '../../../src/cli/commands.ts'
import { UsageError } from '../../../src/cli/command.ts'
import { postUntilTaken, startApp } from '../../support/app.ts'
import type { TestApp } from '../../support/app.ts'

const clock = { now: Date.now, monotonic: () => performance.now() }

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * A server as main.ts builds it, and commands in the same process, because a process for each command takes long on a
 * busy machine.
 */
export interface Setup {
  readonly server: TestApp
  tributary(command: string, ...args: string[]): Promise<Ended>
  track(event: string, more?: object): Promise<unknown>
}

export async function setUp(t: Test): Promise<Setup> {
  const server = await startApp(t, { clock, sink: 'configured' })
  return {
    server,
    tributary: (command, ...args) => runCommand(command, [...args, '--admin', server.adminUrl]),
    track: (event, more = {}) => postUntilTaken(`${server.url}/v1/track`, { userId: 'user-1', event, ...more })
  }
}

/** Runs a command like the command line. The last --admin counts. */
export async function runCommand(name: string, args: readonly string[]): Promise<Ended> {
  let [stdout, stderr] = ['', '']
  const terminal = {
    out: (text: string) => void (stdout += `${text}\n`),
    note: (text: string) => void (stderr += `${text}\n`)
  }
  try {
    const command = await COMMANDS[name]?.load()
    await command?.run(args, terminal)
    return { code: 0, stdout, stderr }
  } catch (error) {
    terminal.note((error as Error).message)
    return { code: error instanceof UsageError ? 2 : 1, stdout, stderr }
  }
}
