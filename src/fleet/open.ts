import { randomUUID } from 'node:crypto'
import type { KeyedTributaryFile } from '../model/tributary-file.ts'
import type { FleetLog, SharedConfig, SharedConfigOptions } from './config/shared-config.ts'
import { openSharedConfig } from './config/shared-config.ts'
import type { FleetLimits } from './limits/limits.ts'
import { createFleetLimits } from './limits/limits.ts'
import type { Heartbeat } from './members/heartbeat.ts'
import type { Members } from './members/members.ts'
import { followMembers } from './members/members.ts'
import type { FleetTopics } from './topics/topics.ts'

export interface FleetOptions {
  readonly topics: FleetTopics
  readonly name: string
  readonly version: string
  readonly configFile: string
  readonly configFileGiven: boolean
  readonly dataDir: string
  readonly parse: (text: string, fileName: string) => KeyedTributaryFile
  readonly log: FleetLog
  readonly onEdit: SharedConfigOptions['onEdit']
}

/** The facts that only the running server has about itself. */
export type SelfFacts = Pick<Heartbeat, 'adminUrl' | 'kafka' | 'backlogBytes'>

/** The fleet, as a member of it. */
export interface Fleet {
  readonly name: string
  readonly instance: string
  readonly topics: FleetTopics
  readonly config: SharedConfig
  readonly limits: FleetLimits
  /** The servers of the fleet; undefined before join(). */
  members(): Members | undefined
  /** Announces this server to the others from now on. */
  join(facts: () => SelfFacts): void
  close(): Promise<void>
}

/** How long a start waits for Kafka. After that, it continues with the snapshot. */
const START_TIMEOUT_MS = 8_000
const ENSURE_AGAIN_MS = 1_000

export async function openFleet(options: FleetOptions): Promise<Fleet> {
  const { topics, name, version, log } = options
  const instance = randomUUID()
  const startedAt = Date.now()
  let members: Members | undefined
  let isClosed = false
  const logTrouble = createTroubleLog(log)

  async function ensureTopics(): Promise<void> {
    while (!isClosed) {
      try {
        return await topics.ensure()
      } catch (error) {
        logTrouble(error)
      }
      await new Promise(resolve => {
        setTimeout(resolve, ENSURE_AGAIN_MS).unref()
      })
    }
  }
  void ensureTopics()

  const config = await openSharedConfig({
    ...options,
    timeoutMs: START_TIMEOUT_MS,
    newestHeard: () => Math.max(0, ...(members?.live() ?? []).map(member => member.config.version)),
    onChange: () => members?.beat()
  })
  const limits = createFleetLimits({ instance, members: () => members, monotonic: () => performance.now() })
  return {
    name,
    instance,
    topics,
    config,
    limits,
    members: () => members,
    join(facts) {
      const self = (): Omit<Heartbeat, 'leaving'> => {
        return { name, instance, startedAt, version, config: config.inForce(), demand: limits.demand(), ...facts() }
      }
      members ??= followMembers({ topics, self, onTrouble: logTrouble })
    },
    async close() {
      isClosed = true
      limits.close()
      await members?.close()
      await topics.close()
    }
  }
}

/** Logs a problem once, not every second. */
function createTroubleLog(log: FleetLog): (error: unknown) => void {
  let last = ''
  return error => {
    const problem = (error as Error).message
    if (problem !== last) log.warn({ problem }, 'the topics of the fleet cannot be reached')
    last = problem
  }
}
