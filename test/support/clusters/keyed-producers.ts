import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { compatibilityPartitioner, Producer, stringSerializers } from '@platformatic/kafka'
import { Kafka, logLevel } from 'kafkajs'
import type { Test } from 'tap'
import { LIBRDKAFKA } from '../librdkafka.ts'
import { pythonWith } from '../sdks/zoo/install.ts'
import { startKafkaTool } from './kafka-tool.ts'

const run = promisify(execFile)

/** Writes a record for each key to a topic that exists. */
export type Produce = (topic: string, keys: readonly string[]) => Promise<void>

const LIBRDKAFKA_PROGRAM = `
import json, sys
from confluent_kafka import Producer
o = json.loads(sys.argv[1])
p = Producer({'bootstrap.servers': o['brokers'], **o['settings']})
for key in o['keys']:
    p.produce(o['topic'], b'profile', key=key)
sys.exit(p.flush(30))
`

/** Other teams' producers, by the row of docs/kafka.md that they run: the library, and the setting if it needs one. */
export async function keyedProducers(t: Test, brokers: readonly string[]): Promise<ReadonlyMap<string, Produce>> {
  const tool = await startKafkaTool(t, brokers)
  return new Map<string, Produce>([
    ['Java', (topic, keys) => tool.produce(topic, keys)],
    ['librdkafka with partitioner=murmur2_random', byLibrdkafka(brokers, { partitioner: 'murmur2_random' })],
    ['kafkajs', byKafkajs(brokers)],
    ['@platformatic/kafka with compatibilityPartitioner', byPlatformatic(brokers)]
  ])
}

/** librdkafka with some settings, by their names in its documentation. */
export function byLibrdkafka(brokers: readonly string[], settings: Readonly<Record<string, string>> = {}): Produce {
  return async (topic, keys) => {
    const options = JSON.stringify({ brokers: brokers.join(','), topic, keys, settings })
    await run(await pythonWith(LIBRDKAFKA), ['-c', LIBRDKAFKA_PROGRAM, options])
  }
}

function byKafkajs(brokers: readonly string[]): Produce {
  return async (topic, keys) => {
    const producer = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).producer()
    await producer.connect()
    await producer.send({ topic, messages: keys.map(key => ({ key, value: 'profile' })) })
    await producer.disconnect()
  }
}

function byPlatformatic(brokers: readonly string[]): Produce {
  return async (topic, keys) => {
    const producer = new Producer({
      clientId: 'profiles',
      bootstrapBrokers: [...brokers],
      serializers: stringSerializers,
      partitioner: compatibilityPartitioner
    })
    await producer.send({ messages: keys.map(key => ({ topic, key, value: 'profile' })) })
    await producer.close()
  }
}
