import type { FastifyRequest } from 'fastify'
import type { Source } from '../../model/source.ts'

/** What is known about a refused request beyond its code. */
export interface RefusalDetail {
  /** Default: the message of the code. */
  readonly message?: string | undefined
  /** The source of the key, if the key is known. */
  readonly source?: Source | undefined
  /** The first of the request's keys, if no source has any of them. It is never shown whole. */
  readonly key?: string | undefined
}

/** Called with each request that is refused before it is split into events. */
export type OnRefused = (code: string, request?: FastifyRequest, detail?: RefusalDetail) => void
