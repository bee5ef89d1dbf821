import { join } from 'node:path'

/** The file with the table of a run. */
export const TABLE_FILE = join(import.meta.dirname, '..', '..', '..', '.cache', 'sdks', 'table.md')

export interface SdkRow {
  readonly name: string
  readonly version: string
  readonly calls: number
  /** The calls whose event was found in Kafka exactly once. */
  readonly once: number
  /** Statuses after which it sent again. */
  readonly retried: readonly number[]
}

/** The table of docs/sdks.md. */
export function toTable(rows: readonly SdkRow[]): string {
  const lines = rows.map(({ name, version, calls, once, retried }) => {
    const over = retried.length === 0 ? 'no' : retried.join(', ')
    return `| ${name} | ${version} | ${calls} | ${once} | ${over} |\n`
  })
  const head =
    '| SDK | version | calls sent | events found in Kafka exactly once | sent again over |\n|---|---|---|---|---|\n'
  return head + lines.join('')
}

/** The file with the table of a run of the zoo. */
export const ZOO_TABLE_FILE = join(TABLE_FILE, '..', 'zoo.md')

export interface ZooRow extends Omit<SdkRow, 'retried'> {
  /** As `once`, if the first answers were a 503 and a 429. */
  readonly onceDisturbed: number
  /** The statuses that the SDK got then. */
  readonly statuses: readonly number[]
}

/** The second table of docs/sdks.md. */
export function toZooTable(rows: readonly ZooRow[]): string {
  const lines = rows.map(({ name, version, calls, once, onceDisturbed, statuses }) => {
    return `| ${name} | ${version} | ${calls} | ${once} | ${onceDisturbed} | ${statuses.join(', ')} |\n`
  })
  const head =
    '| SDK | version | calls sent | in Kafka exactly once | the same over a 503 and a 429 | answers then |\n|---|---|---|---|---|---|\n'
  return head + lines.join('')
}
