import type { FastifyRequest } from 'fastify'

/** A query that is not valid; it is answered 400. */
class BadQuery extends Error {
  override readonly name = 'BadQuery'
  readonly statusCode = 400
}

/** The body of every error answer of the admin listener. */
export function errorAnswer(code: string, message: string): { success: false; message: string; code: string } {
  return { success: false, message, code }
}

export type Query = Readonly<Record<string, string | undefined>>

/** The query's parameters as strings; of a repeated one, the last. Throws BadQuery for an unknown name. */
export function queryOf(request: FastifyRequest, known: readonly string[]): Query {
  const query: Record<string, string> = {}
  for (const [name, value] of Object.entries((request.query ?? {}) as Record<string, string | string[]>)) {
    if (!known.includes(name)) throw new BadQuery(`"${name}" is not a parameter here; there are: ${known.join(', ')}`)
    const last = Array.isArray(value) ? value.at(-1) : value
    if (last !== undefined && last !== '') query[name] = last
  }
  return query
}

/** A parameter that is a whole number; its default if it is missing. Throws BadQuery for anything else. */
export function integerOf(
  query: Query,
  name: string,
  { least, most, otherwise }: { least: number; most: number; otherwise: number }
): number {
  const text = query[name]
  if (text === undefined) return otherwise
  const value = wholeNumber(text) ?? Number.NaN
  if (value >= least && value <= most) return value
  throw new BadQuery(`${name} must be a whole number from ${least} to ${most}`)
}

/** The value of a text of digits; undefined for any other text, and for a number that JavaScript would round. */
export function wholeNumber(text: string): number | undefined {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(value) ? value : undefined
}

/** A parameter such as `5s`, `500ms` or a number of seconds, in milliseconds; 0 if it is missing. Throws BadQuery for anything else. */
export function durationOf(query: Query, name: string, mostMs: number): number {
  const text = query[name]
  if (text === undefined) return 0
  const [, digits, unit] = /^(\d{1,6}(?:\.\d{1,3})?)(ms|s)?$/.exec(text) ?? []
  const ms = Number(digits) * (unit === 'ms' ? 1 : 1000)
  if (ms <= mostMs) return ms
  throw new BadQuery(`${name} must be a time such as 5s, at most ${mostMs / 1000}s`)
}
