import { join } from 'node:path'
import { jarsOf } from './kafka-jars.ts'

/** The folder of the example that dedupes a topic after Kafka. */
export const STREAMS_EXAMPLE = join(import.meta.dirname, '..', '..', 'examples', 'kafka-streams')

/** The folder with the jars of the example, fetched with Maven on first use. */
export function kafkaStreamsJars(): Promise<string> {
  return jarsOf({ pom: join(STREAMS_EXAMPLE, 'pom.xml'), artifact: 'kafka-streams', folder: 'kafka-streams' })
}
