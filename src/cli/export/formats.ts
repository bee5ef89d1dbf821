import { gzipSync } from 'node:zlib'
import type { Cell, Column, TablePart } from './columns.ts'

export const FORMATS = ['parquet', 'csv', 'ndjson'] as const
export type Format = (typeof FORMATS)[number]

export const FILE_ENDS: Readonly<Record<Format, string>> = { parquet: '.parquet', csv: '.csv', ndjson: '.ndjson.gz' }

const LINE_FEED = Buffer.from('\n')

/** The bytes of a file. */
export async function encodePart(format: Format, part: TablePart): Promise<Uint8Array> {
  if (format === 'ndjson') return gzipSync(Buffer.concat(part.lines.flatMap(line => [line, LINE_FEED])))
  if (format === 'csv') return Buffer.from(csvOf(part))
  // Loaded only if it is needed.
  const { parquetOf } = await import('./parquet.ts')
  return parquetOf(part)
}

/** RFC 4180, with the names of the columns first. A missing value is empty, an empty text is "". */
function csvOf({ columns, cells, lines }: TablePart): string {
  const rows = [columns.map(({ name }) => name).join()]
  for (let row = 0; row < lines.length; row++) {
    rows.push(columns.map(({ type }, column) => csvCell(cells[column]?.[row] ?? null, type)).join())
  }
  return `${rows.join('\r\n')}\r\n`
}

function csvCell(cell: Cell, type: Column['type']): string {
  if (cell === null) return ''
  if (type.kind === 'time') return timeText(cell as bigint)
  const text = String(cell)
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** RFC 3339, with microseconds if there are any. */
function timeText(microseconds: bigint): string {
  const finer = ((microseconds % 1_000n) + 1_000n) % 1_000n
  const text = new Date(Number((microseconds - finer) / 1_000n)).toISOString()
  return finer === 0n ? text : text.replace('Z', `${String(finer).padStart(3, '0')}Z`)
}
