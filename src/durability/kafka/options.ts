import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { RECORD_HEADERS, type RecordHeader } from '../../model/record.ts'
import type { Compression } from '../../model/record.ts'
import type { TopicSettings } from '../../model/tributary-file.ts'
import type { KafkaSasl } from './security/sasl-options.ts'

export interface KafkaLog {
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}

/** What a topic that does not exist yet is created with. */
export interface KafkaTopicOptions {
  /** Whether to create it; otherwise a missing topic is a problem that health() names. */
  readonly create: boolean
  readonly partitions: number
  /** Default: the broker's own default.replication.factor. */
  readonly replicationFactor?: number
  /** What tributary.yml says of topics at the moment. Default: nothing. */
  readonly settings?: () => readonly TopicSettings[]
}

/** One produce request that Kafka has confirmed. */
export interface Produced {
  /** Keys, values and headers, before Kafka's framing. */
  readonly bytes: number
  /** Kafka records: an event that goes to two topics counts twice. */
  readonly records: number
  readonly milliseconds: number
}

export interface KafkaSinkOptions {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[]
  readonly clientId: string
  /** TLS; `{}` trusts what Node trusts. */
  readonly ssl?: TlsOptions
  readonly sasl?: KafkaSasl
  readonly topics: KafkaTopicOptions
  /** Which headers records have, besides messageId. Default: all. */
  readonly headers?: readonly RecordHeader[]
  /** Of the records of a batch. Default: none. */
  readonly compression?: Compression
  /** A publish that Kafka has not confirmed within this many milliseconds rejects. Default 750. */
  readonly publishTimeoutMs?: number
  /** What may wait for Kafka or be on its way, in bytes; beyond, publish() rejects at once. Default 64 MiB. */
  readonly maxQueueBytes?: number
  /** What one produce request may carry, in bytes, unless a single record is larger. Default 512 KiB. */
  readonly maxRequestBytes?: number
  /** A request that Kafka leaves unanswered for so long is given up, with its connection. Default 30,000. */
  readonly giveUpMs?: number
  /** A topic that was there and is missing is made again after so many milliseconds. Default 30,000. */
  readonly recreateAfterMs?: number
  readonly onProduced?: (produced: Produced) => void
  readonly log: KafkaLog
}

export type KafkaSettings = Required<Omit<KafkaSinkOptions, 'ssl' | 'sasl'>> & Pick<KafkaSinkOptions, 'ssl' | 'sasl'>

export function withDefaults(options: KafkaSinkOptions): KafkaSettings {
  return {
    publishTimeoutMs: 750,
    compression: 'none',
    headers: RECORD_HEADERS,
    maxQueueBytes: 64 * 1024 * 1024,
    maxRequestBytes: 512 * 1024,
    giveUpMs: 30_000,
    recreateAfterMs: 30_000,
    onProduced: () => {},
    ...options
  }
}
