import { zstdCompressSync } from 'node:zlib'
import { parquetWriteBuffer } from 'hyparquet-writer'
import type { ColumnType, TablePart } from './columns.ts'
import { DECIMAL_BYTES, PRECISION } from './decimal.ts'

type SchemaElement = NonNullable<Parameters<typeof parquetWriteBuffer>[0]['schema']>[number]
type Described = Omit<SchemaElement, 'name' | 'repetition_type'>

/** A Parquet file, compressed with zstd. */
export function parquetOf({ columns, cells }: TablePart): Uint8Array {
  const schema: SchemaElement[] = [
    { name: 'root', num_children: columns.length },
    ...columns.map(({ name, type }) => ({ name, repetition_type: 'OPTIONAL' as const, ...elementOf(type) }))
  ]
  // For a decimal column, the library takes a bigint as the multiple itself. It would scale a number as a double.
  const columnData = columns.map(({ name }, at) => ({ name, data: [...(cells[at] ?? [])] }))
  const compressors = { ZSTD: (bytes: Uint8Array): Uint8Array => zstdCompressSync(bytes) }
  return new Uint8Array(parquetWriteBuffer({ columnData, schema, codec: 'ZSTD', compressors }))
}

function elementOf(type: ColumnType): Described {
  if (type.kind === 'decimal') {
    const decimal = { precision: PRECISION, scale: type.scale }
    return { type: 'FIXED_LEN_BYTE_ARRAY', type_length: DECIMAL_BYTES, converted_type: 'DECIMAL', ...decimal }
  }
  if (type.kind === 'time') {
    const logical = { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' } as const
    return { type: 'INT64', converted_type: 'TIMESTAMP_MICROS', logical_type: logical }
  }
  return type.kind === 'boolean' ? { type: 'BOOLEAN' } : { type: 'BYTE_ARRAY', converted_type: 'UTF8' }
}
