import { randomUUID } from 'node:crypto'
import type { ConfigTopic } from '../config/config-topic.ts'
import { seedKey } from '../config/version.ts'
import type { Seed } from './record.ts'

/**
 * The seed with which all servers of the fleet hash messageIds: the first one in the configuration topic. Writes `own` to the
 * topic if there is none. Rejects if Kafka does not confirm it.
 */
export async function agreeOnSeed(topic: ConfigTopic, own: Seed): Promise<Seed> {
  await topic.read()
  if (topic.log.seed === undefined) {
    await topic.write([{ key: seedKey(randomUUID()), value: Buffer.from(JSON.stringify(own)) }])
  }
  return topic.log.seed ?? own
}
