import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Usage } from './admin-process.ts'
import { CONFIG } from './app.ts'

const SERVER = new URL('admin-process.ts', import.meta.url).pathname

export interface AdminServer {
  /** URLs. */
  readonly tracking: string
  readonly admin: string
  /** Since the last call. */
  usage(): Promise<Usage>
}

/**
 * Starts the server of admin-process.ts. It is killed when the test ends.
 *
 * @param dir the folder of its tributary.yml and data/; default: a new one
 */
export async function startAdminProcess(
  t: Test,
  env: Readonly<Record<string, string>> = {},
  dir = t.testdir()
): Promise<AdminServer> {
  const file = join(dir, 'tributary.yml')
  writeFileSync(file, CONFIG)
  const own = { PORT: '0', ADMIN_PORT: '0', DATA_DIR: join(dir, 'data'), CONFIG_FILE: file }
  const child = fork(SERVER, { env: { ...process.env, ...own, ...env }, execArgv: [] })
  t.teardown(() => child.kill('SIGKILL'))
  const [urls] = (await once(child, 'message')) as [{ tracking: string; admin: string }]
  return {
    ...urls,
    async usage() {
      child.send('usage')
      const [usage] = (await once(child, 'message')) as [Usage]
      return usage
    }
  }
}
