import { EVENT_TYPES } from '../model/event-types.ts'

/** Kafka's limit for a topic's name (org.apache.kafka.common.internals.Topic). */
const MAX_TOPIC_CHARS = 249
/** The limit for the id of a source, which is part of topics, headers and metric labels. */
const MAX_SOURCE_ID_CHARS = 64

const LONGEST_TYPE = EVENT_TYPES.reduce((longest, type) => (type.length > longest.length ? type : longest))
const LONGEST_SOURCE = 's'.repeat(MAX_SOURCE_ID_CHARS)

/**
 * The fault of a topic's name, which may contain `{type}` and `{source}`; undefined if Kafka accepts every expansion of it.
 * Source ids consist of characters that are valid in topics.
 */
export function topicTemplateFault(template: string): string | undefined {
  const unknown = /\{(?!type\}|source\})[^}]*\}?/.exec(template)
  if (unknown) return `"${unknown[0]}" is not a placeholder: there are only {type} and {source}`
  const longest = template.replaceAll('{type}', LONGEST_TYPE).replaceAll('{source}', LONGEST_SOURCE)
  if (!/^[a-zA-Z0-9._-]+$/.test(longest)) return 'a topic is made of letters, digits, ".", "_" and "-"'
  if (longest === '.' || longest === '..') return 'Kafka takes no topic named "." or ".."'
  if (longest.length <= MAX_TOPIC_CHARS) return undefined
  return `a topic has at most ${MAX_TOPIC_CHARS} characters; this one can grow to ${longest.length}`
}
