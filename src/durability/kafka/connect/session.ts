import {
  NetworkError,
  parseBroker,
  type BaseOptions,
  type ConnectionOptions,
  type RetryDelayGetter
} from '@platformatic/kafka'
import { isIP } from 'node:net'
import type { ClusterClient } from './cluster-client.ts'
import { chain } from './errors.ts'
import type { ClusterSettings, KafkaSettings } from '../options.ts'
import { saslOptions } from '../security/sasl-options.ts'

/** The identity of the producer that numbers the records of a lane. */
export interface ProducerIdentity {
  readonly producerId: bigint
  readonly producerEpoch: number
}

/** One connection to the cluster, for everything but records. After a failure, another session is opened. */
export interface Session {
  readonly client: ClusterClient
  /** The producer id that was assigned when the session was opened. */
  readonly producer: ProducerIdentity
}

const CONNECT_TIMEOUT_MS = 2_000
const REQUEST_TIMEOUT_MS = 5_000
/** How long a broker waits for the other replicas before it answers with an error. */
export const REPLICATION_TIMEOUT_MS = 2_500
/** How often the client repeats a request that is not for records. */
const RETRIES = 8
const RETRY_STEP_MS = 50
const MAX_RETRY_DELAY_MS = 200
const NETWORK_RETRY_DELAY_MS = 20

const retryDelay: RetryDelayGetter = (...[, , attempt, , error]) => {
  if (chain(error).some(({ code }) => code === NetworkError.code)) return NETWORK_RETRY_DELAY_MS
  return Math.min(attempt * RETRY_STEP_MS, MAX_RETRY_DELAY_MS)
}

/** The options that all clients of the cluster share. */
export function clientOptions(settings: ClusterSettings): BaseOptions {
  const { brokers, clientId } = settings
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    connectTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    timeout: REPLICATION_TIMEOUT_MS,
    retries: RETRIES,
    retryDelay,
    ...securityOptions(
      settings,
      brokers.map(broker => parseBroker(broker).host)
    )
  }
}

/** The options of a connection for records. A request that is not answered within `giveUpMs` closes the connection. */
export function connectionOptions(
  settings: Pick<KafkaSettings, 'ssl' | 'sasl' | 'giveUpMs'>,
  host: string
): ConnectionOptions {
  return {
    connectTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: settings.giveUpMs,
    maxInflights: 1,
    ...securityOptions(settings, [host])
  }
}

function securityOptions({ ssl, sasl }: Pick<KafkaSettings, 'ssl' | 'sasl'>, hosts: readonly string[]) {
  // TLS allows names as server name indication, and no addresses.
  const isNamed = hosts.every(host => isIP(host) === 0)
  return { ...(ssl && { tls: ssl, tlsServerName: isNamed }), ...(sasl && { sasl: saslOptions(sasl) }) }
}
