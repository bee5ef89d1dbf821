import {
  Admin,
  kGetApi,
  kGetBootstrapConnection,
  kOptions,
  kPerformDeduplicated,
  kPerformWithRetry,
  type API,
  type Broker,
  type Callback,
  type CallbackWithPromise,
  type Connection,
  type initProducerIdV5,
  type metadataV12,
  type produceV11,
  type Writer
} from '@platformatic/kafka'
import { callbackify } from 'node:util'
import type { ProduceEncoder, ProduceRequest } from '../encode/produce-encoder.ts'
import { answerIn, topicErrors } from './errors.ts'
import { watchConnections } from './watch.ts'

/** The address of a broker. */
export type BrokerAddress = Readonly<Broker>

/** A topic in the cluster's metadata, with its error if it has one. */
export interface TopicAnswer extends metadataV12.MetadataResponseTopic {
  readonly name: string
  readonly error?: unknown
}

/** The cluster's metadata: the brokers, and for each topic its partitions or its error. */
export interface ClusterAnswer extends metadataV12.MetadataResponse {
  readonly topics: TopicAnswer[]
}

/** Kafka's answer to a Produce request. */
export type ProduceAnswer = Pick<produceV11.ProduceResponse, 'throttleTimeMs' | 'responses'>

/** Sends a request on a connection. Rejects if there is no answer. Resolves with an answer that has errors in it. */
export type Produce = (connection: Connection, request: ProduceRequest) => Promise<ProduceAnswer>

type AnyApi<Response> = API<unknown[], Response>
type NewProducer = Pick<initProducerIdV5.InitProducerIdResponse, 'producerId' | 'producerEpoch'>

/**
 * The client's admin, for everything but sending records: connections to any broker, producer ids, the cluster's
 * metadata, and the versions of the APIs. The client's producer is not used, see docs/decisions/kafka-client.md. This
 * class depends on symbols like kGetApi, which the client exports for its subclasses, and on the fact that an API only
 * calls connection.send(). test/durability/kafka/encode/produce-encoder.test.ts checks that for the pinned version of
 * the client.
 */
export class ClusterClient extends Admin {
  readonly #watch = watchConnections(this.connections)

  /** As watchConnections(): adds a broker's TLS alert to the error of a request. */
  readonly withAlert = this.#watch.withAlert

  /** The client makes one request of two equal ones. Of two that create a topic, one is to learn that it is there. */
  override [kPerformDeduplicated]<T>(
    id: string,
    operation: (done: CallbackWithPromise<T>) => void,
    done: CallbackWithPromise<T>
  ): void | Promise<T> {
    if (!id.startsWith('createTopics-')) return super[kPerformDeduplicated](id, operation, done)
    operation(done)
  }

  /** Requests a new producer id, with the ids that the protocol requires for a new producer. */
  async newProducer(): Promise<NewProducer> {
    const parameters = [null, this[kOptions].timeout, -1n, -1]
    const request = callbackify((attempt: number) => this.#request<NewProducer>('InitProducerId', parameters, attempt))
    return await called<NewProducer>(
      done => void this[kPerformWithRetry]('initProducerId', (retry, attempt) => request(attempt, retry), done)
    )
  }

  /**
   * Requests the metadata of the cluster and these topics, from the `attempt`-th broker on. Rejects if no broker
   * answers.
   *
   * @param withRights whether the brokers are asked what the user may do with the topics
   */
  async lookUp(topics: readonly string[], attempt = 0, withRights = false): Promise<ClusterAnswer> {
    try {
      return await this.#request<ClusterAnswer>('Metadata', [[...topics], false, withRights], attempt)
    } catch (error) {
      const answer = answerIn(error, 'topics') as ClusterAnswer | undefined
      if (answer === undefined) throw error
      const errors = topicErrors(error)
      return { ...answer, topics: answer.topics.map(topic => ({ ...topic, error: errors.get(topic.name) })) }
    }
  }

  /** Returns the function that sends Produce requests, in the highest version that both sides support. */
  async produceWith(encode: ProduceEncoder): Promise<Produce> {
    const api = await this.#api<ProduceAnswer>('Produce')
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
        const answer = answerIn(error, 'responses') as ProduceAnswer | undefined
        if (answer === undefined) throw error
        return answer
      }
    }
  }

  async #request<Response>(name: string, parameters: readonly unknown[], attempt: number): Promise<Response> {
    const connection = await called<Connection>(done => this[kGetBootstrapConnection](done, attempt))
    const api = await this.#api<Response>(name)
    return await called<Response>(done => api(connection, ...parameters, done))
  }

  #api<Response>(name: string): Promise<AnyApi<Response>> {
    return called(done => this[kGetApi](name, done))
  }

  /** Closes every connection at once. */
  abandon(): void {
    this.close().catch(() => {})
    for (const connection of this.#watch.connections) connection.socket?.destroy()
  }
}

function called<T>(call: (done: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value as T)))
  })
}
