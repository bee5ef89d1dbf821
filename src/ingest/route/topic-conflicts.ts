import { ConfigError } from '../../model/config-error.ts'
import { EVENT_TYPES } from '../../model/event-types.ts'
import type { ParseTributaryFile, TributaryFile } from '../../model/tributary-file.ts'
import { fillTopic } from './route.ts'

/** The topics that variables name. All but those of the fleet may contain `{type}` and `{source}`. */
export interface TopicNames {
  readonly eventsTopic: string
  readonly rejectedTopic: string
  readonly violationsTopic: string | undefined
  /** The fleet's own topics; none without a fleet. */
  readonly fleetTopics: readonly string[]
  /** Whether there is a Kafka that has topics. */
  readonly hasKafka: boolean
}

/** Called with something that is allowed and rarely meant, and with what to do about it. */
export type WarnOfTopics = (problem: string, todo: string) => void

/** Records of one form: where they go, and how the configuration names that. */
interface TopicUse {
  readonly name: string
  readonly topics: Iterable<string>
}

const NO_EFFECT = 'destinations have no effect without KAFKA_BROKERS: every event goes to DATA_DIR/events'

const TYPES_OF_REJECTED = [...EVENT_TYPES, 'unknown']

/**
 * Reads tributary.yml as `parse` does, and compares all topics that the server would write to. Events about violations and
 * the records of a fleet must have topics of their own: a line of the spool that is a violation is known by its form, and a
 * fleet's topics are compacted or kept for an hour. Throws ConfigError that names every topic that one of these shares.
 *
 * @param warn told where rejected events share a topic with events or a destination, and if no destination has an effect
 */
export function checkTopics(parse: ParseTributaryFile, names: TopicNames, warn: WarnOfTopics): ParseTributaryFile {
  return (text, fileName) => {
    const parsed = parse(text, fileName)
    const { file } = parsed
    const [rejected, violations, fleet] = ownTopics(names, file)
    const events = eventTopics(names, file)
    const problems = [
      ...conflicts(fleet, [...events, rejected, violations]),
      ...conflicts(violations, [...events, rejected])
    ]
    if (problems.length > 0) throw new ConfigError(problems)
    for (const problem of conflicts(rejected, events)) warn(problem, 'Give each its own topic.')
    if (!names.hasKafka && file.destinations.some(({ enabled }) => enabled)) warn(NO_EFFECT, 'Set KAFKA_BROKERS.')
    return parsed
  }
}

function ownTopics(names: TopicNames, { sources }: TributaryFile): readonly [TopicUse, TopicUse, TopicUse] {
  const ids = sources.map(({ id }) => id)
  const { rejectedTopic, violationsTopic, fleetTopics } = names
  return [
    { name: 'REJECTED_TOPIC', topics: expand(rejectedTopic, ids, TYPES_OF_REJECTED) },
    // A violation is always a track call.
    {
      name: 'VIOLATIONS_TOPIC',
      topics: violationsTopic === undefined ? [] : expand(violationsTopic, ids, ['track'])
    },
    { name: 'the fleet', topics: fleetTopics }
  ]
}

/** Events and destinations may share topics: the records are the same. A disabled destination counts: it may be enabled again. */
function eventTopics({ eventsTopic }: TopicNames, file: TributaryFile): TopicUse[] {
  const ids = file.sources.map(({ id }) => id)
  const ofDestinations = file.destinations.map(({ topic, sources, types }, index) => ({
    name: file.topicPlaces[index] ?? topic,
    topics: expand(topic, sources ?? ids, types ?? EVENT_TYPES)
  }))
  return [{ name: 'EVENTS_TOPIC', topics: expand(eventsTopic, ids, EVENT_TYPES) }, ...ofDestinations]
}

/** One line for each of `others` that shares a topic with `own`. */
function conflicts(own: TopicUse, others: readonly TopicUse[]): string[] {
  const ownTopics = new Set(own.topics)
  return others.flatMap(({ name, topics }) => {
    for (const topic of topics) {
      if (ownTopics.has(topic)) return [`${name}: the topic ${topic} is also that of ${own.name}`]
    }
    return []
  })
}

function expand(template: string, sources: readonly string[], types: readonly string[]): Set<string> {
  const names = new Set<string>()
  for (const source of template.includes('{source}') ? sources : sources.slice(0, 1)) {
    for (const type of template.includes('{type}') ? types : types.slice(0, 1)) {
      names.add(fillTopic(template, source, type))
    }
  }
  return names
}
