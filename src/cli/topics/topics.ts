import { kafkaOptions } from '../../app/kafka-options.ts'
import { readEnvironment } from '../../config/env/environment.ts'
import type { TopicDifference } from '../../durability/kafka/topics/compare.ts'
import { createRouter } from '../../ingest/route/route.ts'
import type { Command, Terminal } from '../command.ts'
import { CommandFailed, parseArguments } from '../command.ts'
import { readKeys } from '../keys/keys-file.ts'

export const topicsDiff: Command = {
  help: `Usage: tributary topics diff [--json]

Shows how the topics in Kafka differ from "topics" in tributary.yml, and which are missing. It changes nothing. Exit code 1
if something differs.

  --json   the differences as JSON

Examples:
  tributary topics diff`,
  async run(args, terminal) {
    const { flags } = parseArguments(args, { options: { json: { type: 'boolean' } } })
    const { differences } = await compare()
    if (flags.has('json')) terminal.out(JSON.stringify(differences))
    else print(differences, terminal)
    if (differences.length > 0) throw new CommandFailed(countDifferences(differences.length))
  }
}

export const topicsApply: Command = {
  help: `Usage: tributary topics apply [--dry-run] [--json]

Changes the topics in Kafka to match "topics" in tributary.yml: creates missing topics, adds partitions, sets their
configuration. After partitions were added, some users' events go to other partitions. Exit code 1 if a difference is left that
it does not change: fewer partitions, another replication.

  --dry-run   only show what it would change
  --json      the differences, and those that are left, as JSON

Examples:
  tributary topics apply --dry-run
  tributary topics apply`,
  async run(args, terminal) {
    const { flags } = parseArguments(args, { options: { 'dry-run': { type: 'boolean' }, json: { type: 'boolean' } } })
    const { differences, apply } = await compare()
    if (!flags.has('json')) print(differences, terminal)
    if (!flags.has('dry-run')) await apply(differences)
    const left = flags.has('dry-run') ? differences : (await compare()).differences
    if (flags.has('json')) terminal.out(JSON.stringify({ differences, left }))
    if (left.length > 0) throw new CommandFailed(countDifferences(left.length))
  }
}

interface Comparison {
  readonly differences: readonly TopicDifference[]
  apply(all: readonly TopicDifference[]): Promise<void>
}

async function compare(): Promise<Comparison> {
  const config = readEnvironment()
  if (config.kafka === undefined) throw new CommandFailed('KAFKA_BROKERS is not set: there are no topics to compare')
  const { file } = await readKeys({ texts: {} })
  const { eventsTopic, rejectedTopic, violationsTopic } = config
  const router = createRouter({ eventsTopic, rejectedTopic, violationsTopic, destinations: file.destinations })
  const { partitions, replicationFactor } = config.kafka
  const topics = router.knownTopics(file.sources)
  const wanted = { topics, entries: file.topics ?? [], defaults: { partitions, replicationFactor } }
  const settings = kafkaOptions(config, config.kafka)
  // Loaded here, because the Kafka client is large.
  const { applyTopics, compareTopics } = await import('../../durability/kafka/topics/compare.ts')
  const inCommandWords = (error: Error): never => {
    throw new CommandFailed(error.message)
  }
  return {
    differences: await compareTopics(settings, wanted).catch(inCommandWords),
    apply: all => applyTopics(settings, all, wanted).catch(inCommandWords)
  }
}

function print(differences: readonly TopicDifference[], terminal: Terminal): void {
  if (differences.length === 0) terminal.out('the topics are as tributary.yml says')
  for (const { topic, what, is, wanted, obstacle } of differences) {
    terminal.out(`${topic}: ${what} is ${is}, wanted: ${wanted}${obstacle === undefined ? '' : ` (${obstacle})`}`)
  }
}

function countDifferences(differences: number): string {
  return differences === 1 ? 'one difference' : `${differences} differences`
}
