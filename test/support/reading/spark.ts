import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runIn } from './readers.ts'

const CACHE = join(import.meta.dirname, '..', '..', '..', '.cache')
const PYTHON = join(CACHE, 'readers', 'bin', 'python')

/** What a user's machine decides: two cores, no web page, no port but on the loopback, and a cache for the connector. */
const SETTINGS = `spark.master local[2]
spark.driver.memory 1g
spark.driver.host 127.0.0.1
spark.driver.bindAddress 127.0.0.1
spark.ui.enabled false
spark.jars.ivy ${join(CACHE, 'ivy')}
`

/** Rows of Spark: cells as text, null where there is no value. */
export type SparkRows = readonly (readonly (string | null)[])[]

/** Runs a program with PySpark in a folder that it may write to. Resolves with the rows of these data frames. */
export async function runSpark(dir: string, program: string, frames: readonly string[]): Promise<readonly SparkRows[]> {
  const conf = join(dir, 'conf')
  mkdirSync(conf, { recursive: true })
  writeFileSync(join(conf, 'spark-defaults.conf'), SETTINGS)
  const print = `
import json as _json
def _text(cell):
    return None if cell is None else str(cell)
for _frame in [${frames.join(', ')}]:
    print('ROWS' + _json.dumps([[_text(cell) for cell in row] for row in _frame.collect()]))
`
  const env = { SPARK_CONF_DIR: conf, SPARK_LOCAL_IP: '127.0.0.1', TZ: 'UTC' }
  const output = await runIn(dir, PYTHON, ['-c', `${program}\n${print}`], env)
  const lines = output.split('\n').filter(line => line.startsWith('ROWS'))
  return lines.map(line => JSON.parse(line.slice('ROWS'.length)) as SparkRows)
}
