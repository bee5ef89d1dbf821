/** The topics of a fleet. */
export interface FleetTopicNames {
  readonly config: string
  readonly members: string
  readonly seen: string
}

export function fleetTopicNames(fleet: string): FleetTopicNames {
  return { config: `${fleet}.fleet.config`, members: `${fleet}.fleet.members`, seen: `${fleet}.fleet.seen` }
}

const HOUR_MS = 60 * 60 * 1000
const SEGMENT_BYTES = 16 * 1024 * 1024

/** The settings of a topic. It has one partition, so that all servers read the same order. */
export interface TopicPlan {
  readonly topic: string
  readonly configs: Readonly<Record<string, string>>
}

/** The settings of each topic, for its creation. */
export function topicPlans(names: FleetTopicNames): readonly TopicPlan[] {
  const passing = {
    'cleanup.policy': 'delete',
    'retention.ms': String(HOUR_MS),
    'segment.ms': String(HOUR_MS / 4),
    'segment.bytes': String(SEGMENT_BYTES),
    'message.timestamp.type': 'LogAppendTime'
  }
  return [
    {
      topic: names.config,
      configs: {
        'cleanup.policy': 'compact',
        // A claim must outlive the edit that it is for.
        'min.compaction.lag.ms': String(HOUR_MS),
        'max.message.bytes': String(8 * 1024 * 1024),
        'message.timestamp.type': 'LogAppendTime'
      }
    },
    { topic: names.members, configs: passing },
    { topic: names.seen, configs: passing }
  ]
}
