import { chain } from './errors.ts'
import { TokenTrouble } from '../security/token-provider.ts'

type Rule = readonly [pattern: RegExp, words: string]

/**
 * What an operator can do about an error. The first rule that matches any part of the error wins, so specific rules
 * come first. A rule is compared with the code, the protocol error and the message of each part.
 */
const RULES: readonly Rule[] = [
  [
    /CLOSED_AT_ONCE/,
    'closes each new connection at once: a limit of the broker is reached (max.connections.per.ip, max.connections), or a proxy before it has no broker'
  ],
  [/Broker requires TLS/, 'wants TLS: set KAFKA_SSL=true'],
  [/UNSUPPORTED_SASL_MECHANISM/, 'does not offer this SASL mechanism: check KAFKA_SASL_MECHANISM'],
  [
    /SASL_AUTHENTICATION_FAILED|SASL authentication failed/,
    'refuses the user name or password: check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD'
  ],
  [
    /ALERT_CERTIFICATE_EXPIRED|certificate expired/i,
    'says that the certificate in KAFKA_SSL_CERT has expired: put a renewed one there'
  ],
  [
    /ALERT_CERTIFICATE_REQUIRED|certificate required/i,
    'wants a client certificate: set KAFKA_SSL_CERT and KAFKA_SSL_KEY'
  ],
  // Java's brokers say the same about a certificate that is missing, expired or not trusted.
  [
    /_ALERT_(?:BAD_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED|HANDSHAKE_FAILURE)/,
    'refuses the client certificate, or got none: set KAFKA_SSL_CERT and KAFKA_SSL_KEY to one that is valid and signed by an authority that the brokers trust'
  ],
  [
    /TLS handshake failed|WRONG_VERSION_NUMBER|EPROTO/,
    'does not speak TLS on this port: check KAFKA_SSL and the port in KAFKA_BROKERS'
  ],
  [/CERT_HAS_EXPIRED/, 'has a certificate that has expired: renew it there, or check the clock of this machine'],
  [
    /CERT_NOT_YET_VALID/,
    'has a certificate that is not valid yet: check the clocks of this machine and of the brokers'
  ],
  [/ALTNAME_INVALID/, 'has a certificate for another host name: check KAFKA_BROKERS'],
  [/CERT|SELF_SIGNED|ISSUER|LEAF_SIGNATURE/, 'has a certificate that is not trusted: check KAFKA_SSL_CA'],
  [/ENOTFOUND|EAI_AGAIN/, 'has a host name that does not resolve: check KAFKA_BROKERS'],
  [/ECONNREFUSED/, 'refuses connections: is it running, and is KAFKA_BROKERS right?'],
  [
    /CLUSTER_AUTHORIZATION_FAILED/,
    'does not let KAFKA_SASL_USERNAME write idempotently: grant it IdempotentWrite on the cluster'
  ],
  [/TOPIC_AUTHORIZATION_FAILED/, 'does not let this user write to a topic: check the ACLs of KAFKA_SASL_USERNAME'],
  [
    /INVALID_TIMESTAMP/,
    'finds the time of the records out of range: compare the clocks of this machine and of the brokers'
  ],
  [/NOT_LEADER|LEADER_NOT_AVAILABLE/, 'has a partition whose leader is moving or gone: check its brokers'],
  [/NOT_ENOUGH_REPLICAS/, 'has fewer in-sync replicas than min.insync.replicas asks for: check its brokers'],
  [/KAFKA_STORAGE_ERROR/, 'has trouble with its disk: check the brokers'],
  [
    /ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|timed out|TIMED_OUT/i,
    'does not answer in time: check KAFKA_BROKERS, the network, max.connections of the broker, and its quotas (while topics are made: controller_mutation_rate)'
  ],
  [
    /ECONNRESET|EPIPE|Connection closed/,
    'closes the connection: check KAFKA_SSL, KAFKA_SASL_MECHANISM and, where it wants one, the client certificate in KAFKA_SSL_CERT; or wait if it is restarting'
  ]
]

/** The error in one line, for /readyz and the log. Never contains a password. */
export function explain(error: unknown, brokers: readonly string[]): string {
  return `Kafka (${brokers.join(', ')}) ${reason(error)}`
}

function reason(error: unknown): string {
  const parts = chain(error)
  const token = parts.find(part => part instanceof TokenTrouble)
  if (token !== undefined) return `cannot be used: ${token.message}`
  const texts = parts.map(({ code, apiId, message }) => `${code ?? ''} ${apiId ?? ''} ${message}`)
  for (const [pattern, words] of RULES) if (texts.some(text => pattern.test(text))) return words
  return `failed: ${wordsOf(error)}`
}

/** The broker's own message, if there is one: it names the setting, the limit, or the name that collides. */
function brokerMessage(error: unknown): string | undefined {
  return chain(error).find(({ serverErrorMessage }) => serverErrorMessage)?.serverErrorMessage ?? undefined
}

/** The broker's own message, else the client's; one line. */
function wordsOf(error: unknown): string {
  return (brokerMessage(error) ?? chain(error).at(-1)?.message ?? String(error)).split('\n', 1)[0] ?? ''
}

const TOPIC_WORDS: Readonly<Record<string, string>> = {
  TOPIC_AUTHORIZATION_FAILED: 'the Kafka user may not describe or create it: check the ACLs of KAFKA_SASL_USERNAME',
  POLICY_VIOLATION: 'Kafka does not allow this topic',
  INVALID_TOPIC_EXCEPTION: 'Kafka does not allow this name',
  INVALID_REPLICATION_FACTOR: 'not enough brokers for its replication factor: check KAFKA_REPLICATION_FACTOR',
  INVALID_PARTITIONS: 'check KAFKA_PARTITIONS',
  LEADER_NOT_AVAILABLE: 'a partition has no leader: check the brokers'
}

/** Why a topic cannot be used, in one line. */
export function explainTopic(topic: string, error: unknown): string {
  const words = chain(error).flatMap(({ apiId = '' }) => TOPIC_WORDS[apiId] ?? [])[0] ?? wordsOf(error)
  const detail = hasId(error, 'INVALID_TOPIC_EXCEPTION', 'POLICY_VIOLATION') ? brokerMessage(error) : undefined
  return `topic ${topic}: ${words}${detail === undefined ? '' : `: ${detail}`}`
}

/** Whether the error is about the topic, and not about the connection. */
export function isTopicTrouble(error: unknown): boolean {
  const parts = chain(error)
  return parts.some(({ apiId }) => apiId !== undefined) && !parts.some(({ code }) => code === 'PLT_KFK_NETWORK')
}

/**
 * Whether Kafka refuses the topic as it is configured. Other errors can end without an edit of the configuration. A
 * missing permission is one of them: somebody grants it, and the spooled records are then relayed.
 */
export function isRefusedTopic(error: unknown): boolean {
  return hasId(error, 'INVALID_TOPIC_EXCEPTION', 'POLICY_VIOLATION', 'INVALID_PARTITIONS')
}

/** Whether the error is the client's own error for a topic that the cluster does not have. */
export function isUnknownTopic(error: unknown): boolean {
  return (
    hasId(error, 'UNKNOWN_TOPIC_OR_PARTITION') ||
    chain(error).some(({ message }) => message.startsWith('Unknown topic '))
  )
}

/** Whether another server has created the topic first. */
export function isAlreadyThere(error: unknown): boolean {
  return hasId(error, 'TOPIC_ALREADY_EXISTS')
}

/** Whether a part of the error has one of these names in the protocol. */
function hasId(error: unknown, ...ids: readonly string[]): boolean {
  return chain(error).some(({ apiId = '' }) => ids.includes(apiId))
}
