/**
 * The reasons why an event or a whole request was refused: a closed list of snake_case words. The answer, the rejected record,
 * the metric label and the debugger have the same word.
 *
 * The first group has Segment's words (its "delivery overview: failed on ingest" list); the second has ours.
 */
export const REASONS = {
  no_user_anon_id: 'userId or anonymousId must be a non-empty string',
  event_not_defined: 'event is required for track calls',
  event_not_string: 'event must be a non-empty string',
  properties_not_object: 'properties must be an object',
  traits_not_object: 'traits must be an object',
  name_not_string: 'name must be a string',
  category_not_string: 'category must be a string',
  id_required: 'a required id is missing',
  id_not_string: 'ids must be strings',
  empty_batch: 'batch must have at least one event',
  source_disabled: 'the source of this write key is disabled',
  unplanned: 'the tracking plan has no event of this name',
  unplanned_and_schema_violation:
    'the event has properties that its tracking plan does not name, and does not match it',
  common_schema_violation: 'the event does not match the schema that all events of its tracking plan have in common',
  multi_user_error: 'one or more events had an error; only events without errors were published',

  type_invalid: 'type must be one of identify, track, page, screen, group, alias',
  event_not_object: 'an event must be a JSON object',
  batch_not_array: 'batch must be an array',
  batch_required: 'batch is required',
  context_not_object: 'context must be an object',
  integrations_invalid: 'integrations must be an object of booleans and objects',
  timestamp_invalid: 'timestamp must be an RFC 3339 date-time',
  message_id_invalid: 'messageId must be a string of at most 100 characters',
  schema_violation: 'the event does not match the contract, or its tracking plan',
  unplanned_property: 'the event has properties that its tracking plan does not name',
  invalid_json: 'the body is not valid JSON',
  invalid_utf8: 'the body is not valid UTF-8',
  duplicate_key: 'a key occurs twice at the top level of the event',
  forbidden_key: 'the keys __proto__ and constructor.prototype are refused',
  too_deep: 'nested deeper than 64 levels',
  payload_too_large: 'the payload is too large',
  too_many_events: 'the batch has too many events',
  invalid_encoding: 'the body does not decode by its Content-Encoding',
  incomplete_body: 'the request ended before its body was complete',
  encoding_unsupported: 'this Content-Encoding is not supported: use gzip, deflate, br, zstd or none',
  charset_unsupported: 'this charset is not supported: use utf-8'
} as const

export type ReasonCode = keyof typeof REASONS

/** The fault of an event or of a whole request, and its place. */
export interface Fault {
  readonly code: ReasonCode
  /** JSON pointer (RFC 6901) into the event, or into the body for a fault of the whole request; '' is all of it. */
  readonly pointer: string
  /** A message for people, which names the field or the limit. */
  readonly message: string
}

/** Creates a fault, by default with the message of its code. */
export function fault(code: ReasonCode, pointer = '', message: string = REASONS[code]): Fault {
  return { code, pointer, message }
}
