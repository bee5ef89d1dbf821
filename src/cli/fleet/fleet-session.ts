import { hostname, userInfo } from 'node:os'
import { kafkaOptions } from '../../app/kafka-options.ts'
import type { Config } from '../../config/env/config.ts'
import { editConfig } from '../../fleet/config/edit.ts'
import type { ConfigEdit } from '../../fleet/config/edit.ts'
import type { ConfigTopic } from '../../fleet/config/config-topic.ts'
import { followConfigTopic } from '../../fleet/config/config-topic.ts'
import { awaitInForce, describeInForce } from '../../fleet/config/in-force.ts'
import type { ConfigVersion } from '../../fleet/config/version.ts'
import { connectFleet, fleetParts } from '../../fleet/connect.ts'
import type { Members } from '../../fleet/members/members.ts'
import { followMembers } from '../../fleet/members/members.ts'
import type { Terminal } from '../command.ts'
import { CommandFailed } from '../command.ts'

/** A command's access to the fleet's configuration, through Kafka and without a server. */
export interface FleetSession {
  readonly name: string
  readonly topic: ConfigTopic
  readonly members: Members
  edit(change: Omit<ConfigEdit, 'by'>): Promise<ConfigVersion>
  /** Prints on how many servers a version is in force. Rejects with CommandFailed if it is not in force on all of them in time. */
  printInForce(version: number, terminal: Terminal): Promise<void>
  close(): Promise<void>
}

const REACH_MS = 15_000
const IN_FORCE_MS = 10_000

/** Connects to the fleet. Rejects with CommandFailed if Kafka cannot be reached. */
export async function openFleetSession(config: Config): Promise<FleetSession> {
  const parts = fleetParts(config)
  if (parts === undefined) throw new CommandFailed('this needs FLEET=true and KAFKA_BROKERS: see "tributary config"')
  const topics = await connectFleet(parts, { ...kafkaOptions(config, parts.kafka), clientId: 'tributary-cli' })
  await topics.ensure().catch(async (error: unknown) => {
    await topics.close()
    throw new CommandFailed(`the topics of the fleet cannot be used: ${(error as Error).message}`, { cause: error })
  })
  const topic = followConfigTopic({ topics })
  const members = followMembers({ topics, self: undefined })
  const close = async (): Promise<void> => {
    await members.close()
    await topics.close()
  }
  if (!(await topic.until(() => topic.isRead && members.isHeard(), REACH_MS))) {
    await close()
    throw new CommandFailed(`${topics.names.config} could not be read in ${REACH_MS / 1000} s`)
  }
  return {
    name: parts.fleet.name,
    topic,
    members,
    edit: change => editConfig(topic, { ...change, by: `${userInfo().username}@${hostname()}` }),
    async printInForce(version, terminal) {
      const seen = await awaitInForce(members, version, IN_FORCE_MS)
      if (seen.have < seen.live) throw new CommandFailed(describeInForce(seen))
      terminal.note(describeInForce(seen))
    },
    close
  }
}
