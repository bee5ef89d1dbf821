import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Source } from '../../model/source.ts'
import type { Authenticator } from './authenticate.ts'
import { sourceForDocument } from './authenticate.ts'
import { sendError } from '../replies.ts'

export interface PathKeyOptions {
  readonly authenticator: Authenticator
  /** Called with the code of each refused request. */
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
 * The write key in a path and its source; undefined if the request was refused, which answers it. An unknown key is
 * answered 404 and counted as a guess. Origin and tokens are not checked: these paths reveal nothing beyond the key, and
 * the tracking API refuses events of a foreign origin or without a token.
 */
export function checkPathKey(
  request: FastifyRequest<PathKeyRoute>,
  reply: FastifyReply,
  { authenticator, onRefused }: PathKeyOptions
): PathKey | undefined {
  const { writeKey } = request.params
  const known = authenticator.authenticate([{ key: writeKey, place: 'the path' }], request)
  const source = sourceForDocument(known)
  if (source !== undefined) return { writeKey, source }
  if (known.ok) return undefined
  onRefused(known.code)
  if (known.code === 'write_key_unknown') sendError(reply, 'not_found', 'no source has this write key')
  else sendError(reply, known.code)
  return undefined
}
