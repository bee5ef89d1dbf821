import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { MAIN, run } from '../cli/run.ts'
import type { Finished } from '../cli/run.ts'
import { basic, post } from './app.ts'
import type { ServerProcess } from './server-process.ts'
import { createServerProcess } from './server-process.ts'
import { ownFolder } from './own-folder.ts'

export interface TestFleet {
  readonly env: Readonly<Record<string, string>>
  /** A server that joins the fleet; not started yet. Its config file has one source, `web`. */
  server(name: string, env?: Readonly<Record<string, string>>): Promise<ServerProcess>
  /** The working directory of commands. */
  readonly dir: string
  /** Runs a command on the fleet. */
  tributary(args: readonly string[]): Promise<Finished>
}

let fleets = 0

/** A new fleet on these brokers. */
export function testFleet(t: Test, brokers: readonly string[], env: Readonly<Record<string, string>> = {}): TestFleet {
  const root = ownFolder(t, { commands: {} })
  const shared = {
    KAFKA_BROKERS: brokers.join(','),
    KAFKA_REPLICATION_FACTOR: '1',
    FLEET: 'true',
    FLEET_NAME: `fleet-${process.pid}-${++fleets}`,
    ...env
  }
  return {
    env: shared,
    server(name, more = {}) {
      const dir = join(root, name)
      mkdirSync(dir, { recursive: true })
      return createServerProcess(t, { dir, env: { ...shared, SERVER_NAME: name, ...more } })
    },
    dir: join(root, 'commands'),
    tributary: args => run(process.execPath, [MAIN, ...args], { cwd: join(root, 'commands'), env: shared })
  }
}

/** The status of one event sent with a key. */
export async function statusWith(key: string, url: string): Promise<number> {
  const { status } = await post(`${url}/v1/track`, { userId: 'u', event: 'e' }, { authorization: basic(key) })
  return status
}
