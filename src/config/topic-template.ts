import { EVENT_TYPES } from '../model/event-types.ts'

/** Kafka's own bound on a topic's name (org.apache.kafka.common.internals.Topic). */
const MAX_TOPIC_CHARS = 249
/** How long the id of a source may be: it stands in topics, headers and metric labels. */
const MAX_SOURCE_ID_CHARS = 64

const LONGEST_TYPE = EVENT_TYPES.reduce((longest, type) => (type.length > longest.length ? type : longest))
const LONGEST_SOURCE = 's'.repeat(MAX_SOURCE_ID_CHARS)

/**
 * What is wrong with a topic's name, which may contain `{type}` and `{source}`; undefined when every expansion of it is
 * a name that Kafka takes. Source ids are made of characters that are legal in topics.
 */
export function topicTemplateFault(template: string): string | undefined {
  const unknown = /\{(?!type\}|source\})[^}]*\}?/.exec(template)
  if (unknown) return `"${unknown[0]}" is no placeholder: only {type} and {source} are`
  const longest = template.replaceAll('{type}', LONGEST_TYPE).replaceAll('{source}', LONGEST_SOURCE)
  if (!/^[a-zA-Z0-9._-]+$/.test(longest)) return 'a topic is made of letters, digits, ".", "_" and "-"'
  if (longest === '.' || longest === '..') return 'Kafka takes no topic named "." or ".."'
  if (longest.length <= MAX_TOPIC_CHARS) return undefined
  return `a topic has at most ${MAX_TOPIC_CHARS} characters; this one can grow to ${longest.length}`
}
