/** The reason of a failed fetch, as one line: the system's error code if there is one, such as ECONNREFUSED. */
export function fetchFailureReason(error: unknown): string {
  const { cause } = error as Error
  const inner = cause as (Error & { code?: string }) | undefined
  return inner?.code ?? inner?.message ?? (error as Error).message
}
