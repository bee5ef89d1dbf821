import { isEventType } from '../../model/event-types.ts'
import type { ReasonCode } from '../../model/reasons.ts'
import { REASONS } from '../../model/reasons.ts'
import type { OutgoingRecord } from '../../model/record.ts'
import { createRecord } from '../../model/record.ts'
import type { JsonObject } from '../parse/body.ts'
import { asObject } from '../parse/body.ts'
import { toRoutedEvent, partitionKeyOf } from './key-of.ts'
import type { Router } from './route.ts'

/**
 * Creates the record of a line on disk, routed by the configuration in force now. The line itself says which kind of record it
 * is, in members that the server writes and no client can: accepted events have `version`, violations have
 * `forwardedFromProject` and no `version`, and rejected events have `code`. Undefined if the line is none of these.
 */
export function restoreRecord(line: Buffer, router: Router): OutgoingRecord | undefined {
  const value = parse(line)
  if (value === undefined) return undefined
  const receivedAt = Date.parse(String(value['receivedAt']))
  if (Number.isNaN(receivedAt)) return undefined
  if (value['version'] !== undefined) return restoreEvent(line, value, receivedAt, router)
  if (value['forwardedFromProject'] !== undefined) return restoreViolation(line, value, receivedAt, router)
  const { source, type: named, code } = value
  if (typeof source !== 'string' || typeof code !== 'string' || !Object.hasOwn(REASONS, code)) return undefined
  const event = asObject(value['event']) ?? {}
  const messageId = typeof event['messageId'] === 'string' ? event['messageId'] : ''
  // Records of earlier versions have no type; the event's own type is then used.
  const type = [named, event['type']].find(isEventType) ?? 'unknown'
  const topics = router.rejectedTopics(source, type)
  return createRecord({
    kind: 'rejected',
    line,
    type,
    source,
    messageId,
    receivedAt,
    key: partitionKeyOf(event),
    topics,
    code: code as ReasonCode
  })
}

function restoreEvent(line: Buffer, value: JsonObject, receivedAt: number, router: Router): OutgoingRecord | undefined {
  const { type, projectId: source, messageId } = value
  if (!isEventType(type) || typeof source !== 'string' || typeof messageId !== 'string') return undefined
  const { topics } = router.route({
    type,
    source,
    event: toRoutedEvent(value),
    integrations: asObject(value['integrations'])
  })
  return createRecord({
    kind: 'event',
    line,
    type,
    code: undefined,
    source,
    messageId,
    receivedAt,
    key: partitionKeyOf(value),
    topics
  })
}

/** Never routed as an event: a violation goes to the topic of violations, or nowhere if there is none any more. */
function restoreViolation(
  line: Buffer,
  value: JsonObject,
  receivedAt: number,
  router: Router
): OutgoingRecord | undefined {
  const { type, forwardedFromProject: source, messageId } = value
  if (type !== 'track' || typeof source !== 'string' || typeof messageId !== 'string') return undefined
  return createRecord({
    kind: 'violation',
    line,
    type,
    code: undefined,
    source,
    messageId,
    receivedAt,
    key: partitionKeyOf(value),
    topics: router.violationTopics(source)
  })
}

function parse(line: Buffer): JsonObject | undefined {
  try {
    return asObject(JSON.parse(line.toString()))
  } catch {
    return undefined
  }
}

/** As restoreRecord(), for one router. */
export function createRestore(router: Router): (line: Buffer) => OutgoingRecord | undefined {
  return line => restoreRecord(line, router)
}
