import type { IncomingMessage } from 'node:http'
import type { BodyBudget } from './body-budget.ts'
import type { Encoding } from './encoding.ts'

interface Accepted {
  readonly encoding: Encoding
  /** Bytes. */
  readonly limit: number
  /** The receiver of the bytes gives them back to this budget. */
  readonly budget: BodyBudget
}

/**
 * The bytes of a plain body that has arrived together with the head of its request, as most single events do. They are read
 * without listeners, without a timer and without the reader's object.
 *
 * @returns undefined if the body must be read piece by piece, or may have to be refused
 */
export function bytesAtOnce(request: IncomingMessage, { encoding, limit, budget }: Accepted): Buffer | undefined {
  const { headers, destroyed, readableLength } = request
  const isWhole = readableLength > 0 && Number(headers['content-length']) === readableLength
  if (!isWhole || destroyed || encoding !== 'identity' || readableLength > limit) return undefined
  if (!budget.take(readableLength)) return undefined
  const bytes = request.read() as Buffer
  // Without listeners, a stream that nobody resumes would not end.
  request.resume()
  return bytes
}
