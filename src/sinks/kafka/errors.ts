/** An error of the Kafka client, as far as it is read here. */
interface ClientError extends Error {
  readonly code?: string
  /** The protocol's name of the error, e.g. NOT_ENOUGH_REPLICAS. */
  readonly apiId?: string
  /** The broker's own words. */
  readonly serverErrorMessage?: string | null
  readonly response?: unknown
  /** Where in the response, e.g. /topics/0. */
  readonly path?: string
  readonly errors?: readonly ClientError[]
  readonly produced?: { readonly offsets?: readonly PartitionOffset[] }
}

export interface PartitionOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

interface CreationResponse {
  readonly topics: readonly { readonly name: string; readonly errorCode: number }[]
}

interface ProduceResponse {
  readonly responses: readonly {
    readonly name: string
    readonly partitionResponses: readonly { index: number; errorCode: number; baseOffset: bigint }[]
  }[]
}

/** Refused as it is, now and later: another try cannot help, and nobody else's records are to blame. */
const REFUSALS: Readonly<Record<string, string>> = {
  MESSAGE_TOO_LARGE: 'larger than the topic takes (max.message.bytes)',
  RECORD_LIST_TOO_LARGE: 'larger than a segment of the topic (segment.bytes)',
  INVALID_RECORD: 'the broker finds the record invalid (a compacted topic wants a key)'
}

/** The error, its causes and the errors it gathers, outermost first. */
export function chain(error: unknown): ClientError[] {
  const found: ClientError[] = []
  const visit = (at: unknown): void => {
    if (!(at instanceof Error) || found.includes(at) || found.length > 100) return
    found.push(at)
    if (at instanceof AggregateError) at.errors.forEach(visit)
    visit(at.cause)
  }
  visit(error)
  return found
}

/** Why some record of the request is refused for good; undefined when the trouble is another. */
export function refusalReason(error: unknown): string | undefined {
  for (const { apiId } of chain(error)) {
    if (apiId !== undefined && Object.hasOwn(REFUSALS, apiId)) return REFUSALS[apiId]
  }
  return undefined
}

/** Whether the broker finds a record's timestamp too far from its own clock (message.timestamp.after.max.ms: 1 h). */
export function isTimeRefused(error: unknown): boolean {
  return chain(error).some(({ apiId }) => apiId === 'INVALID_TIMESTAMP')
}

/** What the controller says of each topic that it did not make, in its last answer where the client has asked again. */
export function refusedCreations(error: unknown): Map<string, unknown> {
  const refused = new Map<string, unknown>()
  const { response, errors = [] } = chain(error).findLast(each => isCreationResponse(each.response)) ?? {}
  if (!isCreationResponse(response)) return refused
  for (const [at, { name, errorCode }] of response.topics.entries()) {
    if (errorCode !== 0) refused.set(name, errors.find(({ path }) => path === `/topics/${at}`) ?? error)
  }
  return refused
}

/** The partitions of a failed request that took their records all the same. */
export function confirmedPartitions(error: unknown): PartitionOffset[] {
  const confirmed: PartitionOffset[] = []
  for (const { produced, response } of chain(error)) {
    confirmed.push(...(produced?.offsets ?? []))
    if (!isProduceResponse(response)) continue
    for (const { name: topic, partitionResponses } of response.responses) {
      for (const { index, errorCode, baseOffset } of partitionResponses) {
        if (errorCode === 0) confirmed.push({ topic, partition: index, offset: baseOffset })
      }
    }
  }
  return confirmed
}

function isCreationResponse(response: unknown): response is CreationResponse {
  return typeof response === 'object' && response !== null && Array.isArray((response as CreationResponse).topics)
}

function isProduceResponse(response: unknown): response is ProduceResponse {
  return typeof response === 'object' && response !== null && Array.isArray((response as ProduceResponse).responses)
}
