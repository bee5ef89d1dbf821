#!/bin/sh
# @platformatic/kafka with its stringSerializers writes a record without a key where the key is a number, without an error: the events
# of one id are on several partitions. kafkajs refuses such a key.
# @platformatic/kafka 2.12.1, kafkajs 2.2.4, Apache Kafka 4.4.0, seen 2026-11-29.
. "$(dirname "$0")/support.sh"
start_kafka 4.4.0
install @platformatic/kafka@2.12.1 kafkajs@2.2.4
export kafka
measure <<'PROGRAM'
import { Producer, stringSerializers } from '@platformatic/kafka'
import kafkajs from 'kafkajs'

const brokers = [process.env.kafka]
const kafka = new kafkajs.Kafka({ brokers, logLevel: 0 })
const admin = kafka.admin()
for (let tries = 0; ; tries++) {
  try {
    await admin.connect()
    break
  } catch (error) {
    if (tries === 20) throw error
  }
}
await admin.createTopics({ topics: [{ topic: 'profiles', numPartitions: 6 }] })

const producer = new Producer({ clientId: 'profiles', bootstrapBrokers: brokers, serializers: stringSerializers })
for (const key of ['42', '42', '42', 42, 42, 42]) {
  await producer.send({ messages: [{ topic: 'profiles', key, value: `${typeof key} ${key}` }] })
}
await producer.close()

const other = kafka.producer()
await other.connect()
const message = await other.send({ topic: 'profiles', messages: [{ key: 42, value: '' }] }).then(() => 'taken', error => error.name)
console.log('kafkajs, 42:', message)

const consumer = kafka.consumer({ groupId: 'reader' })
await consumer.connect()
await consumer.subscribe({ topic: 'profiles', fromBeginning: true })
const found = []
await consumer.run({ eachMessage: async ({ partition, message: { key, value } }) => found.push([`${value}`, key && `${key}`, partition]) })
while (found.length < 6) await new Promise(resolve => setTimeout(resolve, 100))
for (const sent of ['string 42', 'number 42']) {
  const records = found.filter(([value]) => value === sent)
  const keys = new Set(records.map(([, key]) => key))
  console.log(`@platformatic/kafka, ${sent}: key`, ...keys, 'partitions:', new Set(records.map(([, , partition]) => partition)).size)
}
process.exit(0)
PROGRAM
expect <<'SEEN'
kafkajs, 42: TypeError
@platformatic/kafka, string 42: key 42 partitions: 1
@platformatic/kafka, number 42: key null partitions: 3
SEEN
