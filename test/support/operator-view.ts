import { MAIN, run } from '../cli/run.ts'
import type { ServerProcess } from './server-process.ts'

/** The places where an operator looks for a problem. */
export interface OperatorView {
  readonly readyz: string
  readonly banner: string
  readonly doctor: string
}

/** Reads what a running server reports to its operator in each of these places. */
export async function readOperatorView(server: ServerProcess, env: Record<string, string>): Promise<OperatorView> {
  const { text } = await server.readyz()
  const banner = await (await fetch(`${server.adminUrl}/api/overview`)).text()
  const ports = { PORT: new URL(server.url).port, ADMIN_PORT: new URL(server.adminUrl).port }
  const doctor = await run(process.execPath, [MAIN, 'doctor'], {
    cwd: server.dir,
    env: { DATA_DIR: server.dataDir, CONFIG_FILE: server.configFile, ...ports, ...env }
  })
  return { readyz: text, banner, doctor: doctor.stdout + doctor.stderr }
}

/** The messages that a server has logged at this level or above, as pino's numbers. */
export function logged(server: ServerProcess, level = 40): string[] {
  return server.stderr.split('\n').flatMap(line => {
    if (!line.startsWith('{')) return []
    const entry = JSON.parse(line) as { level?: number; msg?: string }
    return (entry.level ?? 0) >= level ? [entry.msg ?? ''] : []
  })
}
