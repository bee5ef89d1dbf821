import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { kafkaJars } from '../kafka-jars.ts'

/** A record as Kafka's own Java client reads it. */
export interface JavaRecord {
  readonly partition: number
  readonly offset: number
  readonly key: string
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
}

/** Kafka's Java client, which shares no code with the server: reads back what was written, and changes clusters. */
export interface KafkaTool {
  /** All records that the topic has now. */
  read(topic: string): Promise<readonly JavaRecord[]>
  /** Writes a record for each key, with the defaults of Java's producer. */
  produce(topic: string, keys: readonly string[]): Promise<void>
  /** Sets the password of a user. */
  setScramPassword(user: string, mechanism: string, password: string): Promise<void>
  allow(principal: string, type: 'TOPIC' | 'CLUSTER', name: string, operations: readonly string[]): Promise<void>
  configure(type: 'BROKER' | 'TOPIC', name: string, settings: Readonly<Record<string, string>>): Promise<void>
  /** Moves every replica from one broker to another. Resolves when all are moved. */
  move(from: number, to: number): Promise<void>
  /** Sets a quota of a user, e.g. `producer_byte_rate`. */
  setQuota(user: string, key: string, value: number): Promise<void>
}

const SOURCE = join(import.meta.dirname, 'KafkaTool.java')

/**
 * Starts the tool with a listener without security. It ends with the test, and needs a second or two for its first
 * answer.
 */
export async function startKafkaTool(t: Test, brokers: readonly string[], libs?: string): Promise<KafkaTool> {
  const jars = join(libs ?? (await kafkaJars()), '*')
  const quick = [
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Xmx128m',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'
  ]
  const child = spawn('java', [...quick, '-cp', jars, SOURCE, brokers.join(',')], { stdio: ['pipe', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  t.teardown(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let last: Promise<unknown> = Promise.resolve()

  async function answerTo(words: readonly string[]): Promise<string[]> {
    child.stdin.write(`${words.join('\t')}\n`)
    const found: string[] = []
    for (;;) {
      const { value: line, done } = await lines.next()
      if (done === true) throw new Error(`the Kafka tool ended: ${errors.slice(-2_000)}`)
      if (line === 'ok') return found
      if (line.startsWith('failed ')) throw new Error(`${words[0]}: ${line.slice('failed '.length)}`)
      found.push(line)
    }
  }

  function command(...words: readonly string[]): Promise<string[]> {
    const answer = last.then(() => answerTo(words))
    last = answer.catch(() => undefined)
    return answer
  }

  return {
    read: async topic => (await command('read', topic)).map(toRecord),
    produce: async (topic, keys) =>
      void (await command('produce', topic, ...keys.map(key => Buffer.from(key).toString('base64')))),
    setScramPassword: async (user, mechanism, password) => void (await command('scram', user, mechanism, password)),
    allow: async (principal, type, name, operations) =>
      void (await command('allow', principal, type, name, ...operations)),
    configure: async (type, name, settings) =>
      void (await command('config', type, name, ...Object.entries(settings).map(([key, value]) => `${key}=${value}`))),
    move: async (from, to) => void (await command('move', String(from), String(to))),
    setQuota: async (user, key, value) => void (await command('quota', user, key, String(value)))
  }
}

const decoded = (text: string): string => Buffer.from(text, 'base64').toString('utf8')

function toRecord(line: string): JavaRecord {
  const [, partition, offset, key = '', value = '', ...headers] = line.split('\t')
  const pairs = headers.map(header => {
    const at = header.indexOf('=')
    return [header.slice(0, at), decoded(header.slice(at + 1))] as const
  })
  return {
    partition: Number(partition),
    offset: Number(offset),
    key: decoded(key),
    value: decoded(value),
    headers: Object.fromEntries(pairs)
  }
}
