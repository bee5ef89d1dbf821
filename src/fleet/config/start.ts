import { readFile } from 'node:fs/promises'
import { digestKeys } from '../../keys/edit/digest-keys.ts'
import { FIRST_SOURCE, firstText } from '../../keys/edit/first-file.ts'
import { newWriteKey } from '../../keys/write-key.ts'
import { ConfigError } from '../../model/config-error.ts'
import type { ParseTributaryFile } from '../../model/tributary-file.ts'
import type { ConfigTopic } from './config-topic.ts'
import { editConfig } from './edit.ts'
import { readSnapshot } from './snapshot.ts'
import type { ConfigVersion } from './version.ts'

export interface StartOptions {
  readonly topic: ConfigTopic
  readonly configFile: string
  /** Whether CONFIG_FILE was set: if it is needed, it must then exist. */
  readonly configFileGiven: boolean
  readonly dataDir: string
  readonly parse: ParseTributaryFile
  /** The name of this server. */
  readonly name: string
  /** How long to wait for Kafka, in milliseconds. After that, the server starts with the configuration that it has. */
  readonly timeoutMs: number
}

export interface Start {
  /** The version of the topic or of the snapshot; undefined if there is neither. */
  readonly version: ConfigVersion | undefined
  /** The text in force without a version; undefined if there is no file either. */
  readonly text: string | undefined
  readonly isOfTopic: boolean
  /** The key of the only source, if this server has created the fleet's first configuration without a file. */
  readonly firstKey: string | undefined
}

/**
 * The configuration of a starting server: the topic's version (an empty topic is seeded); else the snapshot; else
 * CONFIG_FILE; else none.
 */
export async function startConfig(options: StartOptions): Promise<Start> {
  const { topic, timeoutMs } = options
  const snapshot = await readSnapshot(options.dataDir)
  const isRead = await topic.until(() => topic.isRead, timeoutMs)
  if (isRead) {
    const before = topic.log.current
    const { firstKey } = before === undefined ? await seed(options, snapshot) : { firstKey: undefined }
    return { version: topic.log.current, text: undefined, isOfTopic: true, firstKey }
  }
  const text = snapshot === undefined ? await readDigested(options) : undefined
  return { version: snapshot, text, isOfTopic: false, firstKey: undefined }
}

/** Writes the first version to an empty topic. If several servers try, one of them succeeds. */
export async function seed(
  options: StartOptions,
  snapshot: ConfigVersion | undefined
): Promise<{ readonly firstKey: string | undefined }> {
  const { topic, configFile, configFileGiven, name } = options
  const ofFile = snapshot === undefined ? await readDigested(options) : undefined
  if (snapshot === undefined && ofFile === undefined && configFileGiven) {
    throw new ConfigError([`CONFIG_FILE=${configFile}: no such file, and the fleet has no configuration yet`])
  }
  const key = newWriteKey()
  const text = snapshot?.text ?? ofFile ?? digestKeys(firstText(configFile, FIRST_SOURCE, key))
  const from =
    snapshot !== undefined ? `version ${snapshot.version} of ${name}` : ofFile === undefined ? 'nothing' : configFile
  const made = await editConfig(topic, {
    // Another server was first.
    make: current => current?.text ?? text,
    by: name,
    why: `seeded from ${from}`
  })
  return { firstKey: from === 'nothing' && made.text === text ? key : undefined }
}

/** Reads CONFIG_FILE with digests for keys; undefined if it is missing. Rejects with ConfigError if it is not valid. */
export async function readDigested({
  configFile,
  parse
}: Pick<StartOptions, 'configFile' | 'parse'>): Promise<string | undefined> {
  let text: string
  try {
    text = await readFile(configFile, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new ConfigError([`${configFile}: cannot be read (${code})`], { cause: error })
  }
  return digestText(text, configFile, parse)
}

/**
 * A valid text with digests in place of keys. Throws ConfigError if it is not valid, or if its keys cannot be
 * distinguished.
 */
export function digestText(text: string, fileName: string, parse: ParseTributaryFile): string {
  const before = parse(text, fileName)
  const digested = digestKeys(text)
  const after = parse(digested, fileName)
  const isWhole = after.writeKeys.size === before.writeKeys.size
  if (!isWhole || [...after.writeKeys.keys()].some(entry => !entry.startsWith('sha256:'))) {
    throw new ConfigError([
      `${fileName}: its keys are written in a way that cannot be replaced: write them as plain lists`
    ])
  }
  return digested
}
