/** The fields of a Kafka client's error that are used here. */
interface ClientError extends Error {
  readonly code?: string
  /** The protocol's name of the error, e.g. NOT_ENOUGH_REPLICAS. */
  readonly apiId?: string
  /** The broker's own message. */
  readonly serverErrorMessage?: string | null
  readonly response?: unknown
  /** The place in the response, e.g. /topics/0. */
  readonly path?: string
  readonly errors?: readonly ClientError[]
}

/** The error, its causes, and the errors that it groups, outermost first. */
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

/** Whether the server does not have the requested API. */
export function isUnsupported(error: unknown): boolean {
  return chain(error).some(({ code }) => code === 'PLT_KFK_UNSUPPORTED_API')
}

/**
 * The answer inside an error, because the client rejects if an answer contains errors; undefined if there was none. The
 * last answer counts if the client has repeated the request.
 */
export function answerIn(error: unknown): unknown {
  return lastAnswered(error)?.response
}

/** The error of each topic that has one in the answer inside an error. Empty if there was no answer. */
export function topicErrors(error: unknown): Map<string, unknown> {
  const { response, errors = [] } = lastAnswered(error) ?? {}
  const { topics = [] } = (response ?? {}) as { topics?: readonly { name: string; errorCode: number }[] }
  const errorAt = (at: number): unknown => errors.find(({ path }) => path === `/topics/${at}`) ?? error
  const pairs = topics.map(({ name, errorCode }, at) => (errorCode === 0 ? [] : [[name, errorAt(at)] as const]))
  return new Map(pairs.flat())
}

function lastAnswered(error: unknown): ClientError | undefined {
  return chain(error).findLast(({ response }) => response !== undefined)
}
