import { existsSync } from 'node:fs'
import type { Config } from '../../config/env/config.ts'
import { readSnapshot } from '../../fleet/config/snapshot.ts'
import type { ConfigVersion } from '../../fleet/config/version.ts'
import { FleetTopicMissing } from '../../fleet/topics/missing.ts'
import { CommandFailed } from '../command.ts'
import type { Finding } from './finding.ts'

export interface FleetReading {
  /** The version that the servers use; undefined if there is none, or if it cannot be read. */
  readonly version: ConfigVersion | undefined
  /** Whether CONFIG_FILE counts: the first server of a fleet begins with it, and without it if there is none. */
  readonly needsFile: boolean
  readonly findings: readonly Finding[]
}

/**
 * Reads the configuration of the fleet, which its servers use in place of CONFIG_FILE. Without Kafka it is the one that the server of
 * this DATA_DIR would start with. Creates no topic.
 */
export async function readFleetVersion(config: Config): Promise<FleetReading> {
  const { kafka, configFile, configFileGiven, dataDir } = config
  const name = config.fleet?.name ?? ''
  const needsFile = configFileGiven || existsSync(configFile)
  const none = (finding: Finding): FleetReading => ({ version: undefined, needsFile, findings: [finding] })
  const says = `the fleet "${name}" has no configuration yet: its first server makes one`
  const notYet = none({ level: 'note', area: 'configuration', says })
  try {
    const { current } = await readTopic({ ...config, kafka: kafka && { ...kafka, createTopics: false } })
    if (current === undefined) return notYet
    const found = `version ${current.version} of the fleet "${name}" is in force`
    return {
      version: current,
      needsFile: false,
      findings: [{ level: 'ok', area: 'configuration', says: found }]
    }
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error
    if (error.cause instanceof FleetTopicMissing && kafka?.createTopics === true) return notYet
    const snapshot = await readSnapshot(dataDir)
    const todo = 'A server that starts meanwhile uses its last version; unknown keys are answered with 503.'
    const unread: Finding = { level: 'problem', area: 'configuration', says: error.message, todo }
    if (snapshot === undefined) return none(unread)
    const used = `version ${snapshot.version} is checked, which DATA_DIR has`
    const note: Finding = { level: 'note', area: 'configuration', says: used }
    return { version: snapshot, needsFile: false, findings: [unread, note] }
  }
}

/** The topic of the configuration. The module is loaded only if there is a fleet, because it needs the Kafka client. */
async function readTopic(config: Config): Promise<{ readonly current: ConfigVersion | undefined }> {
  const { openFleetSession } = await import('../fleet/fleet-session.ts')
  const session = await openFleetSession(config)
  const { current } = session.topic.log
  await session.close()
  return { current }
}
