import { X509Certificate } from 'node:crypto'
import type { KafkaConfig } from '../../config/env/config.ts'
import type { ClusterReport, TopicReport } from '../../durability/kafka/topics/inspect.ts'
import type { Finding } from './finding.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const SOON_DAYS = 14
/** The load of a small server: 200 events of 700 bytes a second. A quota below it is probably a mistake. */
const SMALL_QUOTA_BYTES = 150_000

/** Checks the client certificate's dates, because brokers give no reason when they refuse it. */
export function checkCertificate({ ssl }: KafkaConfig, now = Date.now()): Finding[] {
  if (ssl?.cert === undefined) return []
  const { validFrom, validTo, subject } = new X509Certificate(ssl.cert)
  const who = subject.replaceAll('\n', ', ')
  const find = (level: Finding['level'], says: string, todo: string): Finding[] => [
    { level, area: 'Kafka', says, todo }
  ]
  if (Date.parse(validTo) < now) {
    return find('problem', `the certificate in KAFKA_SSL_CERT (${who}) ended on ${validTo}`, 'Put a renewed one there.')
  }
  if (Date.parse(validFrom) > now) {
    const todo = 'Check the clock of this machine, or put a certificate there that is valid now.'
    return find('problem', `the certificate in KAFKA_SSL_CERT (${who}) begins on ${validFrom}`, todo)
  }
  const days = Math.floor((Date.parse(validTo) - now) / DAY_MS)
  if (days >= SOON_DAYS) return []
  return find('warning', `the certificate in KAFKA_SSL_CERT (${who}) ends on ${validTo}`, 'Renew it in time.')
}

/** Checks what applies to the whole cluster: unreachable brokers, and the producer's quota. */
export function checkCluster({ unreachable, producerQuota }: ClusterReport): Finding[] {
  const found: Finding[] = unreachable.map(reason => ({
    level: 'problem',
    area: 'Kafka',
    says: `the cluster gives clients addresses that they cannot reach: ${reason}`,
    todo: "Correct the brokers' advertised.listeners, or name the listener for this network in KAFKA_BROKERS."
  }))
  if (producerQuota !== undefined) {
    found.push({
      level: producerQuota < SMALL_QUOTA_BYTES ? 'problem' : 'note',
      area: 'Kafka',
      says: `the brokers let this user and client id write ${producerQuota} bytes a second: beyond that events wait`,
      todo: 'Raise producer_byte_rate of KAFKA_SASL_USERNAME and KAFKA_CLIENT_ID (kafka-configs.sh) above your load.'
    })
  }
  return found
}

/** Checks whether the server may write to a topic. */
export function checkRights({ name, mayWrite }: TopicReport): Finding[] {
  if (mayWrite !== false) return []
  const says = `${name}: this user may see the topic, but not write to it`
  return [
    { level: 'problem', area: 'topics', says, todo: 'Grant Write on the topic to the user of KAFKA_SASL_USERNAME.' }
  ]
}
