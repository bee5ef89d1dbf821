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

interface CreationResponse {
  readonly topics: readonly { readonly name: string; readonly errorCode: number }[]
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
 * The controller's error for each topic that it did not create. Uses the last answer if the client has repeated the
 * request.
 */
export function refusedCreations(error: unknown): Map<string, unknown> {
  const refused = new Map<string, unknown>()
  const { response, errors = [] } = chain(error).findLast(each => isCreationResponse(each.response)) ?? {}
  if (!isCreationResponse(response)) return refused
  for (const [at, { name, errorCode }] of response.topics.entries()) {
    if (errorCode !== 0) refused.set(name, errors.find(({ path }) => path === `/topics/${at}`) ?? error)
  }
  return refused
}

function isCreationResponse(response: unknown): response is CreationResponse {
  return typeof response === 'object' && response !== null && Array.isArray((response as CreationResponse).topics)
}
