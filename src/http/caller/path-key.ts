import type { FastifyReply, FastifyRequest } from 'fastify'
import { ERRORS } from '../../model/errors.ts'
import type { Source } from '../../model/source.ts'
import type { Authenticator } from './authenticate.ts'
import { sourceForDocument } from './authenticate.ts'
import type { OnRefused } from './refusal.ts'
import type { Answerable } from '../replies.ts'
import { errorAnswer, sendAnswer } from '../replies.ts'

export interface PathKeyOptions {
  readonly authenticator: Authenticator
  readonly onRefused: OnRefused
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
 *
 * @param send sends the answer of a refused request; default: as it is
 */
export function checkPathKey(
  request: FastifyRequest<PathKeyRoute>,
  reply: FastifyReply,
  { authenticator, onRefused }: PathKeyOptions,
  send: (reply: FastifyReply, answer: Answerable) => unknown = sendAnswer
): PathKey | undefined {
  const { writeKey } = request.params
  const known = authenticator.authenticate([{ key: writeKey, place: 'the path' }], request)
  const source = sourceForDocument(known)
  if (source !== undefined) return { writeKey, source }
  if (known.ok) return undefined
  onRefused(known.code, request, known)
  // Browsers show the text of the status line in their console, but not the body.
  reply.raw.statusMessage = ERRORS[known.code].message
  const answer = errorAnswer(known.code)
  send(reply, known.code === 'write_key_unknown' ? { ...answer, status: 404 } : answer)
  return undefined
}
