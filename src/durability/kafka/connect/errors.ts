/** The fields of a Kafka client's error that are used here. */
interface ClientError extends Error {
  readonly code?: string
  /** The protocol's name of the error, e.g. NOT_ENOUGH_REPLICAS. */
  readonly apiId?: string
  /** The broker's own message. */
  readonly serverErrorMessage?: string | null
  readonly response?: object
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
 * The answer with this member inside an error, because the client rejects if an answer contains errors; undefined if
 * there was none. The last one counts if the client has repeated the request. Without the member it answers another
 * request: a broker that refuses a password says so in an answer too.
 */
export function answerIn(error: unknown, member: string): unknown {
  return lastAnswered(error, member)?.response
}

/** The error of each topic that has one in the answer inside an error. Empty if there was no answer. */
export function topicErrors(error: unknown): Map<string, unknown> {
  const { response, errors = [] } = lastAnswered(error, 'topics') ?? {}
  const { topics = [] } = (response ?? {}) as { topics?: readonly { name: string; errorCode: number }[] }
  const errorAt = (at: number): unknown => errors.find(({ path }) => path === `/topics/${at}`) ?? error
  const pairs = topics.map(({ name, errorCode }, at) => (errorCode === 0 ? [] : [[name, errorAt(at)] as const]))
  return new Map(pairs.flat())
}

function lastAnswered(error: unknown, member: string): ClientError | undefined {
  return chain(error).findLast(({ response }) => Object.hasOwn(response ?? {}, member))
}
