import type { EventType } from '../../../model/event-types.ts'
import type { SchemaObject } from '../schema/schema-parts.ts'
import { isSchemaObject } from '../schema/schema-parts.ts'
import { noteChange } from '../schema/normalise.ts'
import type { PlanDraft, PlanFormat } from './draft.ts'
import { isWrapped, textOf, typeOf, versionOf, wrapPayload } from './draft.ts'

/** `order_completed.v2.json`, `order_completed.json`. */
const FILE_NAME = /^(.+?)(?:[._-]v(\d{1,6}))?(?:\.schema)?(?:\.(?:json|ya?ml))?$/i

/**
 * A folder of JSON Schemas, one for each event, which is named by the schema's `title` or else by the file's name. A
 * schema describes the event or only its properties. The names `identify`, `group`, `page`, `screen` and `common` have
 * their own meaning. Snowplow's `self` is supported.
 */
export const schemaFiles: PlanFormat = {
  name: 'JSON Schemas, one a file',
  matches: ({ properties, $schema, type, self }) =>
    isSchemaObject(properties) || typeof $schema === 'string' || type === 'object' || isSchemaObject(self),
  read(inputs, draft) {
    for (const input of inputs) if (isSchemaObject(input.data)) readFile(input.name, input.data, draft)
  }
}

function readFile(file: string, given: SchemaObject, draft: PlanDraft): void {
  const { self, ...schema } = given
  const about = isSchemaObject(self) ? self : {}
  const [, stem = file, fileVersion] = FILE_NAME.exec(file) ?? []
  const name = textOf(about['name']) ?? textOf(schema['title']) ?? stem
  const version = versionOf(about['version'] ?? fileVersion ?? numberOf(schema['version']))
  if (isCommon(name, stem)) {
    draft.common = schema
    return
  }
  const type = typeOf(name) ?? typeOf(stem) ?? 'track'
  const wrapped = isWrapped(schema) ? schema : wrapAlone(schema, type, draft)
  draft.rules.push({ type, event: type === 'track' ? name : undefined, version, schema: wrapped })
}

function wrapAlone(schema: SchemaObject, type: EventType, { changes }: PlanDraft): SchemaObject {
  noteChange(changes, 'schema of properties alone put inside the event')
  const { $schema, ...own } = schema
  const payload = type === 'identify' || type === 'group' ? 'traits' : 'properties'
  return { ...($schema === undefined ? {} : { $schema }), ...wrapPayload(own, payload) }
}

function numberOf(value: unknown): unknown {
  return typeof value === 'number' ? value : undefined
}

function isCommon(name: string, stem: string): boolean {
  return [name, stem].some(word => word.toLowerCase() === 'common')
}
