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

/** How a topic that does not exist yet is created. */
export interface KafkaTopicOptions {
  /** Whether to create it. Otherwise health() reports a missing topic as a problem. */
  readonly create: boolean
  readonly partitions: number
  /** Default: the broker's own default.replication.factor. */
  readonly replicationFactor?: number | undefined
  /** The current settings of topics in tributary.yml. Default: none. */
  readonly settings?: () => readonly TopicSettings[]
}

/** One produce request that Kafka has confirmed. */
export interface Produced {
  /** Keys, values and headers, without Kafka's framing. */
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
  /** The headers of records besides messageId. Default: all. */
  readonly headers?: readonly RecordHeader[]
  /** The compression of a batch's records. Default: none. */
  readonly compression?: Compression
  /** publish() rejects if Kafka has not confirmed after this many milliseconds. Default 750. */
  readonly publishTimeoutMs?: number
  /** The most bytes that wait for Kafka or are in flight. Beyond it, publish() rejects at once. Default 64 MiB. */
  readonly maxQueueBytes?: number
  /**
   * A request that Kafka has not answered after this many milliseconds is given up, and its connection is closed.
   * Default 30,000.
   */
  readonly giveUpMs?: number
  /** A topic that existed and is missing is created again after this many milliseconds. Default 30,000. */
  readonly recreateAfterMs?: number
  readonly onProduced?: (produced: Produced) => void
  readonly log: KafkaLog
}

export type KafkaSettings = Required<Omit<KafkaSinkOptions, 'ssl' | 'sasl'>> & Pick<KafkaSinkOptions, 'ssl' | 'sasl'>

/** What every client of the cluster needs to connect. */
export type ClusterSettings = Pick<KafkaSettings, 'brokers' | 'clientId' | 'ssl' | 'sasl'>

export function withDefaults(options: KafkaSinkOptions): KafkaSettings {
  return {
    publishTimeoutMs: 750,
    compression: 'none',
    headers: RECORD_HEADERS,
    maxQueueBytes: 64 * 1024 * 1024,
    giveUpMs: 30_000,
    recreateAfterMs: 30_000,
    onProduced: () => {},
    ...options
  }
}
