import { hash } from 'node:crypto'
import { asObject } from '../../../ingest/parse/body.ts'
import type { OutgoingRecord } from '../../../model/record.ts'
import { createRecord, lineOf, messageIdOf } from '../../../model/record.ts'
import type { EventReport } from '../../../model/report.ts'
import type { Source } from '../../../model/source.ts'
import type { ReportedViolation } from '../enforce/enforcement.ts'
import type { Plan } from '../plan.ts'

/** The name of these events, and their user id. Both are Segment's. */
export const VIOLATION_EVENT = 'Violation Generated'
const VIOLATION_USER = 'schema-violations'
const ID_HEX_CHARS = 32
const MAX_CHARS = 200
const APP_MEMBERS = ['name', 'version', 'build', 'namespace']
const LIBRARY_MEMBERS = ['name', 'version']

/** How an event differs from its plan. */
export interface FoundDifference {
  readonly source: Pick<Source, 'id' | 'name'>
  readonly plan: Pick<Plan, 'id' | 'name'>
  /** The name of a track call, or of a page or screen; empty if there is none. */
  readonly name: string
  readonly reported: readonly ReportedViolation[]
}

/**
 * One record for each violation: a track call with the members that Segment gives to forwarded violations. Of the event
 * it contains only names, ids, times, app and SDK. The same violation of the same event always gets the same messageId.
 *
 * `forwardedFromProject`, without the `version` and `projectId` that every event has, shows restoreRecord() what the
 * line is.
 *
 * Source: https://www.twilio.com/docs/segment/protocols/validate/forward-violations
 *
 * @param event a published record that has the violations
 * @param reported the violations to publish
 */
export function violationRecords(
  { source, plan, name }: FoundDifference,
  event: EventReport,
  { reported, topics }: { readonly reported: readonly ReportedViolation[]; readonly topics: readonly string[] }
): OutgoingRecord[] {
  const written = asObject(JSON.parse(lineOf(event).toString())) ?? {}
  const original = (event.kind === 'event' ? written : asObject(written['event'])) ?? {}
  const { app, library } = asObject(original['context']) ?? {}
  const eventId = messageIdOf(event)
  const about = {
    appVersion: textOf(asObject(app)?.['version']),
    eventMessageID: eventId,
    eventName: name.slice(0, MAX_CHARS),
    eventSentAt: textOf(original['sentAt']),
    eventTimestamp: textOf(original['timestamp']),
    eventType: event.type,
    sourceID: source.id,
    sourceName: source.name,
    sourceSlug: source.id,
    trackingPlanID: plan.id,
    trackingPlanName: plan.name
  }
  const context = { app: shortOf(app, APP_MEMBERS), library: shortOf(library, LIBRARY_MEMBERS) }
  const receivedAt = new Date(event.receivedAt).toISOString()
  return reported.map(({ kind, type, field, description }) => {
    const identity = JSON.stringify([source.id, eventId, kind, type, field, description])
    const messageId = `sch-${hash('sha256', identity).slice(0, ID_HEX_CHARS)}`
    const violation = {
      violationDescription: description,
      violationField: field.slice(0, MAX_CHARS),
      violationType: type
    }
    const value = {
      type: 'track',
      event: VIOLATION_EVENT,
      userId: VIOLATION_USER,
      messageId,
      context,
      integrations: {},
      properties: { ...about, ...violation },
      timestamp: receivedAt,
      receivedAt,
      forwardedFromProject: source.id
    }
    return createRecord({
      kind: 'violation',
      type: 'track',
      code: undefined,
      line: Buffer.from(`${JSON.stringify(value)}\n`),
      messageId,
      key: VIOLATION_USER,
      source: source.id,
      receivedAt: event.receivedAt,
      topics
    })
  })
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, MAX_CHARS) : ''
}

/**
 * Keeps short texts only, because a client may send anything here. Null if the event has none, as in Segment's events.
 */
function shortOf(value: unknown, members: readonly string[]): Record<string, string> | null {
  const object = asObject(value)
  if (object === undefined) return null
  const texts = members.filter(key => typeof object[key] === 'string').map(key => [key, textOf(object[key])])
  return Object.fromEntries(texts) as Record<string, string>
}
