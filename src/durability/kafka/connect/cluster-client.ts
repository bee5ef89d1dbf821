import {
  kGetApi,
  kGetBootstrapConnection,
  Producer,
  type API,
  type Callback,
  type Connection,
  type Writer
} from '@platformatic/kafka'
import { chain } from './errors.ts'
import type { ProduceEncoder, ProduceRequest } from '../encode/produce-encoder.ts'

/** The address of a broker. */
export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

/** The cluster's metadata: the brokers by node id, and for each topic its partitions or its error. */
export interface ClusterAnswer {
  readonly brokers: readonly (BrokerAddress & { readonly nodeId: number })[]
  readonly topics: readonly {
    readonly name: string
    /** 0: the topic exists. */
    readonly errorCode: number
    readonly error: unknown
    readonly partitions: readonly {
      readonly partitionIndex: number
      readonly leaderId: number
      readonly replicaNodes: readonly number[]
      readonly isrNodes: readonly number[]
    }[]
    /** What the user may do, if that was requested: one bit for each operation's number in the protocol. */
    readonly topicAuthorizedOperations?: number
  }[]
}

/** Kafka's answer to a Produce request. */
export interface ProduceAnswer {
  readonly throttleTimeMs: number
  readonly responses: readonly {
    readonly name: string
    readonly partitionResponses: readonly {
      readonly index: number
      readonly errorCode: number
      readonly baseOffset: bigint
    }[]
  }[]
}

/** Sends a request on a connection. Rejects if there is no answer. Resolves with an answer that has errors in it. */
export type Produce = (connection: Connection, request: ProduceRequest) => Promise<ProduceAnswer>

type AnyApi<Response> = API<unknown[], Response>

/**
 * The client's producer, for everything but sending records: connections to any broker, a producer id, the cluster's
 * metadata, and the versions of the APIs. Its own send() is not used, see docs/decisions/kafka-client.md. This class
 * depends on kGetApi and kGetBootstrapConnection, which the client exports for its subclasses, and on the fact that an
 * API only calls connection.send(). test/durability/kafka/connect/client.test.ts checks that for the pinned version of
 * the client.
 */
export class ClusterClient extends Producer {
  /** Requests a new producer id. The client's default is not what the protocol requires for a new producer. */
  async newProducer(): Promise<{ readonly producerId: bigint; readonly producerEpoch: number }> {
    return await this.initIdempotentProducer({ producerId: -1n, producerEpoch: -1 })
  }

  /**
   * Requests the metadata of the cluster and these topics, from the `attempt`-th broker on. Rejects if no broker
   * answers.
   */
  async lookUp(topics: readonly string[], attempt = 0, withRights = false): Promise<ClusterAnswer> {
    const connection = await called<Connection>(done => this[kGetBootstrapConnection](done, attempt))
    const api = await called<AnyApi<ClusterAnswer>>(done => this[kGetApi]('Metadata', done))
    try {
      return await called<ClusterAnswer>(done => api(connection, [...topics], false, withRights, done))
    } catch (error) {
      return withErrors(error)
    }
  }

  /** Returns the function that sends Produce requests, in the highest version that both sides support. */
  async produceWith(encode: ProduceEncoder): Promise<Produce> {
    const api = await called<AnyApi<ProduceAnswer>>(done => this[kGetApi]('Produce', done))
    return async (connection, request) => {
      const send: Connection['send'] = (key, version, _clientsOwn, ...rest) => {
        const createRequest = (): Writer => encode(version, request)
        connection.send(key, version, createRequest, ...rest)
      }
      try {
        return await called<ProduceAnswer>(done =>
          api({ send } as Connection, request.acks, request.timeoutMs, [], {}, done)
        )
      } catch (error) {
        const answer = chain(error).find(({ response }) => response !== undefined)?.response
        if (answer === undefined) throw error
        return answer as ProduceAnswer
      }
    }
  }
}

/** The answer inside an error: the client rejects with an error if an answer contains errors. */
function withErrors(error: unknown): ClusterAnswer {
  const { response, errors = [] } = chain(error).find(({ response }) => response !== undefined) ?? {}
  if (response === undefined) throw error
  const answer = response as ClusterAnswer
  const errorAt = (at: number): unknown => errors.find(({ path }) => path === `/topics/${at}`) ?? error
  return { ...answer, topics: answer.topics.map((topic, at) => ({ ...topic, error: errorAt(at) })) }
}

function called<T>(call: (done: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value as T)))
  })
}
