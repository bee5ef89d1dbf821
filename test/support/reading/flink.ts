import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jarsOf } from '../kafka-jars.ts'
import { runIn } from './readers.ts'

const HOME = join(import.meta.dirname, '..', 'flink')

/** The folder with the jars of Flink's SQL and of its Kafka connector, fetched with Maven on first use. */
export function flinkJars(): Promise<string> {
  return jarsOf({ pom: join(HOME, 'pom.xml'), artifact: 'flink-table-planner-loader', folder: 'flink' })
}

/** A row of Flink: first its kind, `+I` for an inserted row, then its columns. */
type FlinkRow = readonly (string | null)[]

/** Runs statements in one JVM. Each SELECT ends after the number of rows that `counts` has for it. Resolves with their rows. */
export async function runFlink(
  dir: string,
  statements: readonly string[],
  counts: readonly number[]
): Promise<readonly (readonly FlinkRow[])[]> {
  const libs = await flinkJars()
  writeFileSync(join(dir, 'queries.sql'), statements.join('\n'))
  const java = [
    '-Xmx512m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'
  ]
  const args = [...java, '-cp', join(libs, '*'), join(HOME, 'Query.java'), 'queries.sql', ...counts.map(String)]
  const output = await runIn(dir, 'java', args)
  return output
    .split('\n')
    .filter(line => line.startsWith('ROWS'))
    .map(line => JSON.parse(line.slice('ROWS'.length)) as FlinkRow[])
}
