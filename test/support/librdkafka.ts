import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'
import { pythonWith } from './sdks/zoo/install.ts'

/** librdkafka as Confluent's Python client has it. */
export const LIBRDKAFKA = 'confluent-kafka==2.16.1'

/** Sends records with different keys in turn until its standard input ends. Argument: a JSON object. */
const PROGRAM = `
import json, select, sys, time
from confluent_kafka import Producer
o = json.loads(sys.argv[1])
p = Producer({'bootstrap.servers': o['brokers'], 'client.id': o['clientId'], 'enable.idempotence': True,
              'message.timeout.ms': 600000})
value, sent, begun = o['value'].encode(), 0, time.time()
while not select.select([sys.stdin], [], [], 0)[0]:
    while sent < (time.time() - begun) * o['perSecond']:
        try:
            p.produce(o['topic'], value, key=f"user-{sent % 200}", headers=o['headers'])
        except BufferError:
            pass
        sent += 1
    p.poll(0.01)
`

export interface LibrdkafkaOptions {
  readonly brokers: readonly string[]
  readonly clientId: string
  /** Must exist. */
  readonly topic: string
  readonly perSecond: number
  /** The value of each record. */
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Starts an idempotent producer of librdkafka beside the server, as in Confluent's Python client, with defaults except
 * for the time that a record may wait. Installed into .cache on first use. Ends with the test.
 */
export async function startLibrdkafka(t: Test, options: LibrdkafkaOptions): Promise<void> {
  const args = ['-c', PROGRAM, JSON.stringify({ ...options, brokers: options.brokers.join(',') })]
  const child = spawn(await pythonWith(LIBRDKAFKA), args, { stdio: ['pipe', 'inherit', 'inherit'] })
  t.teardown(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  await once(child, 'spawn')
}
