import { fillTopic } from '../../../ingest/route/route.ts'
import { ConfigError } from '../../../model/config-error.ts'
import { EVENT_TYPES } from '../../../model/event-types.ts'
import type { ParseTributaryFile } from '../../../model/tributary-file.ts'

interface Topics {
  readonly eventsTopic: string
  readonly rejectedTopic: string
  readonly violationsTopic: string | undefined
}

/**
 * Reads tributary.yml as `parse` does, and refuses one with which events about violations would go to a topic of other
 * records: who reads that topic does not expect them.
 */
export function checkViolationsTopic(parse: ParseTributaryFile, topics: Topics): ParseTributaryFile {
  const { eventsTopic, rejectedTopic, violationsTopic } = topics
  if (violationsTopic === undefined) return parse
  return (text, fileName) => {
    const parsed = parse(text, fileName)
    const { sources, destinations, topicPlaces } = parsed.file
    const own = new Set(sources.map(({ id }) => fillTopic(violationsTopic, id, 'track')))
    const meets = (template: string): boolean =>
      sources.some(({ id }) => [...EVENT_TYPES, 'unknown'].some(type => own.has(fillTopic(template, id, type))))
    const problems = [
      ...(meets(eventsTopic) ? ['EVENTS_TOPIC and VIOLATIONS_TOPIC name the same topic'] : []),
      ...(meets(rejectedTopic) ? ['REJECTED_TOPIC and VIOLATIONS_TOPIC name the same topic'] : []),
      ...destinations.flatMap(({ topic }, index) =>
        meets(topic) ? [`${topicPlaces[index]}: VIOLATIONS_TOPIC names the same topic`] : []
      )
    ]
    if (problems.length > 0) throw new ConfigError(problems)
    return parsed
  }
}
