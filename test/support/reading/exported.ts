import { join } from 'node:path'
import { runIn } from './readers.ts'

const REPOSITORY = join(import.meta.dirname, '..', '..', '..')
const LIGHT = join(REPOSITORY, '.cache', 'venv', 'bin', 'python')
const ALL = join(REPOSITORY, '.cache', 'readers', 'bin', 'python')

/** Cells as text; null if a reader finds none. */
type Row = readonly (string | null)[]

/** A program that reads the Parquet files of one table. */
export interface TableReader {
  readonly name: string
  /** These columns of all rows, ordered by the first. */
  read(dir: string, columns: readonly string[]): Promise<readonly Row[]>
}

/** Python expressions: rows of `columns` from the files `files` in `folder`. */
const EXPRESSIONS = {
  DuckDB: ['duckdb', `duckdb.sql("select " + ", ".join(columns) + " from '" + files + "'").fetchall()`],
  PyArrow: [
    'pyarrow.dataset',
    '[list(row.values()) for row in pyarrow.dataset.dataset(folder).to_table(columns=columns).to_pylist()]'
  ],
  Polars: ['polars', 'polars.read_parquet(files, columns=columns).rows()'],
  pandas: [
    'pandas',
    '(lambda frame: frame.astype(object).where(frame.notna(), None))(pandas.read_parquet(folder, columns=columns)).values.tolist()'
  ],
  ClickHouse: [
    'chdb, json',
    `[json.loads(line) for line in str(chdb.query("select " + ", ".join("toString(" + c + ")" for c in columns) + " from file('" + files + "', 'Parquet')", "JSONCompactEachRow")).splitlines()]`
  ]
} as const

/** DuckDB; with READERS=all (`npm run test:readers`) four more. */
export function tableReaders(): readonly TableReader[] {
  const names = Object.keys(EXPRESSIONS) as (keyof typeof EXPRESSIONS)[]
  return names.filter(name => name === 'DuckDB' || process.env['READERS'] === 'all').map(toReader)
}

function toReader(name: keyof typeof EXPRESSIONS): TableReader {
  const [modules, rows] = EXPRESSIONS[name]
  return {
    name,
    async read(dir, columns) {
      const script = `import sys, json, ${modules}
folder, *columns = sys.argv[1:]
files = folder + '/*.parquet'
rows = [[None if cell is None else str(cell) for cell in row] for row in ${rows}]
print(json.dumps(sorted(rows, key=lambda row: row[0])))`
      const python = name === 'DuckDB' ? LIGHT : ALL
      return JSON.parse(await runIn(dir, python, ['-c', script, dir, ...columns])) as Row[]
    }
  }
}

/** DuckDB's answer to SQL, as JSON from Python's values. */
export async function duckDb(dir: string, sql: string): Promise<readonly (readonly unknown[])[]> {
  const script = `import sys, json, duckdb
print(json.dumps(duckdb.sql(sys.argv[1]).fetchall(), default=str))`
  return JSON.parse(await runIn(dir, LIGHT, ['-c', script, sql])) as unknown[][]
}
