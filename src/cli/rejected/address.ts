import { asObject } from '../../ingest/parse/body.ts'
import { isBlank } from '../../ingest/parse/absent.ts'
import { escapedId } from '../../model/record.ts'
import { recordDigest } from './record-digest.ts'
import type { Rejection } from './rejected.ts'

/** The messageId that an event without one gets when it is sent again. @param json the rejected record */
export function retryId(json: string): string {
  return `retry-${recordDigest(json)}`
}

/** How a refused event is named: by its messageId; without one by that which it gets when it is sent again; a body by its digest. */
export function addressOf({ kind, event, json }: Rejection): string {
  if (kind === 'body') return `body-${recordDigest(json)}`
  const id = asObject(event)?.['messageId']
  return typeof id === 'string' && !isBlank(id) ? escapedId(id) : retryId(json)
}
