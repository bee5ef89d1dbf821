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

/** Where a broker listens. */
export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

/** What the cluster says of itself: brokers by their number, and of each topic its partitions or its error. */
export interface ClusterAnswer {
  readonly brokers: readonly (BrokerAddress & { readonly nodeId: number })[]
  readonly topics: readonly {
    readonly name: string
    /** 0: the topic is there. */
    readonly errorCode: number
    readonly error: unknown
    readonly partitions: readonly {
      readonly partitionIndex: number
      readonly leaderId: number
      readonly replicaNodes: readonly number[]
      readonly isrNodes: readonly number[]
    }[]
    /** What the user may do, where that was asked for: bits by the numbers of the protocol's operations. */
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

/** Sends a request on a connection. Rejects where no answer comes; an answer with errors in it resolves. */
export type Produce = (connection: Connection, request: ProduceRequest) => Promise<ProduceAnswer>

type AnyApi<Response> = API<unknown[], Response>

/**
 * The client's producer, for all that is not the sending of records: connections to any broker, a producer id, the state
 * of the cluster, and the versions of the APIs. Its own send() is not used, see docs/decisions/kafka-client.md. The seam
 * is kGetApi and kGetBootstrapConnection, which the client exports for its subclasses, and that an API only calls
 * connection.send(); test/durability/kafka/connect/client.test.ts checks it for the pinned version of the client.
 */
export class ClusterClient extends Producer {
  /** Asks for a producer id of its own. The client's default is not what the protocol says for a new producer. */
  async newProducer(): Promise<{ readonly producerId: bigint; readonly producerEpoch: number }> {
    return await this.initIdempotentProducer({ producerId: -1n, producerEpoch: -1 })
  }

  /** The cluster and these topics as they are now, from the `attempt`-th broker on. Rejects where none answers. */
  async lookUp(topics: readonly string[], attempt = 0, withRights = false): Promise<ClusterAnswer> {
    const connection = await called<Connection>(done => this[kGetBootstrapConnection](done, attempt))
    const api = await called<AnyApi<ClusterAnswer>>(done => this[kGetApi]('Metadata', done))
    try {
      return await called<ClusterAnswer>(done => api(connection, [...topics], false, withRights, done))
    } catch (error) {
      return withErrors(error)
    }
  }

  /** The function that sends Produce requests, in the highest version that both sides speak. */
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

/** An answer that has errors in it is an error to the client. */
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
