import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { freePort } from '../kafka-process.ts'
import { until } from '../until.ts'
import type { Reader, Row } from './readers.ts'
import { blocksOf, runIn } from './readers.ts'

const HOME = '/usr/lib/postgresql'

export interface Postgres {
  /** The folder of its programs. */
  readonly bin: string
  /** The variables with which they find it. */
  readonly env: { readonly PGHOST: string; readonly PGPORT: string; readonly PGUSER: string }
}

/** A PostgreSQL on a free port, from Debian's package. Ends with the test. */
export async function startPostgres(t: Test): Promise<Postgres> {
  const bin = join(HOME, readdirSync(HOME).toSorted().at(-1) ?? '', 'bin')
  const dir = mkdtempSync(join(tmpdir(), 'tributary-postgres-'))
  const data = join(dir, 'data')
  mkdirSync(data)
  const port = String(await freePort())
  // It does not run as root; Debian's package has created a user for it.
  const isRoot = process.getuid?.() === 0
  if (isRoot) {
    const [uid = 0, gid = 0] = (await Promise.all(['-u', '-g'].map(flag => runIn(dir, 'id', [flag, 'postgres'])))).map(
      Number
    )
    for (const path of [dir, data]) chownSync(path, uid, gid)
  }
  const as = isRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'] : ['env']
  const run = async (program: string, ...args: string[]): Promise<string> =>
    runIn(dir, as[0] as string, [...as.slice(1), join(bin, program), ...args])
  await run('initdb', '-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync')
  const server = spawn(
    as[0] as string,
    [...as.slice(1), join(bin, 'postgres'), '-D', data, '-p', port, '-k', '', '-h', '127.0.0.1', '-F'],
    { stdio: 'ignore' }
  )
  t.teardown(async () => {
    const ended = once(server, 'close')
    server.kill('SIGINT')
    await ended
  })
  const env = { PGHOST: '127.0.0.1', PGPORT: port, PGUSER: 'postgres' }
  const isUp = async (): Promise<boolean> =>
    runIn(dir, join(bin, 'pg_isready'), ['-q'], env).then(
      () => true,
      () => false
    )
  await until(isUp, { what: 'PostgreSQL to start', timeoutMs: 60_000 })
  return { bin, env }
}

/** The page's commands for PostgreSQL, run by psql. */
export async function postgresReader(t: Test): Promise<Reader> {
  const { bin, env } = await startPostgres(t)
  let databases = 0
  return {
    name: 'PostgreSQL',
    async read(folder) {
      const database = `log_${++databases}`
      await runIn(folder, join(bin, 'createdb'), [database], env)
      const file = join(folder, `${database}.sql`)
      writeFileSync(
        file,
        blocksOf('PostgreSQL', 'sql')
          .join('\n')
          .replace(/^select message_id/m, '\\o rows.csv\n$&')
      )
      await runIn(folder, join(bin, 'psql'), ['-q', '--csv', '-v', 'ON_ERROR_STOP=1', '-f', file, database], env)
      return rowsOf(await runIn(folder, 'cat', ['rows.csv']))
    }
  }
}

/** The rows of what `psql --csv` prints. */
export function rowsOf(csv: string): Row[] {
  return csv
    .trim()
    .split('\n')
    .slice(1)
    .map(line => line.split(',').map(cell => cell || null) as unknown as Row)
}
