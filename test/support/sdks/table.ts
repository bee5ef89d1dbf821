import { join } from 'node:path'

/** Where a run of the SDKs leaves its table. */
export const TABLE_FILE = join(import.meta.dirname, '..', '..', '..', '.cache', 'sdks', 'table.md')

export interface SdkRow {
  readonly name: string
  readonly version: string
  readonly calls: number
  /** Of the calls, those whose event was found in Kafka exactly once. */
  readonly once: number
  /** Statuses that it met, and sent again after. */
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
