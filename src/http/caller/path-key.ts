import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Source } from '../../model/source.ts'
import type { Authenticator } from './authenticate.ts'
import { sendError } from '../replies.ts'

export interface PathKeyOptions {
  readonly authenticator: Authenticator
  /** Told of a request that was refused, by code. */
  readonly onRefused: (code: string) => void
}

export interface PathKeyRoute {
  Params: { writeKey: string }
}

/** A write key and the source that has it. */
export interface PathKey {
  readonly writeKey: string
  readonly source: Source
}

/**
 * The write key in a path, where a source has it; undefined when the request was refused, and answered. A key that
 * nobody has is a path that is not there. Guesses count as they do everywhere, and Origin does not: what these paths
 * serve says nothing that the key does not, and the events of another origin are refused where they are sent.
 */
export function checkPathKey(
  request: FastifyRequest<PathKeyRoute>,
  reply: FastifyReply,
  { authenticator, onRefused }: PathKeyOptions
): PathKey | undefined {
  const { writeKey } = request.params
  const known = authenticator.authenticate([{ key: writeKey, place: 'the path' }], request)
  if (known.ok) return { writeKey, source: known.source }
  if (known.code === 'origin_not_allowed' && known.source !== undefined) return { writeKey, source: known.source }
  onRefused(known.code)
  if (known.code === 'write_key_unknown') sendError(reply, 'not_found', 'no source has this write key')
  else sendError(reply, known.code)
  return undefined
}
