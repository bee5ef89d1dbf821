import { lstat } from 'node:fs/promises'
import { dirname, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ConfigError } from '../../model/config-error.ts'
import { createFile } from './write-file.ts'
import { newWriteKey } from '../write-key.ts'
import { withExplainedErrors } from './write-trouble.ts'
import { yamlText } from './yaml-text.ts'

const SCHEMA = fileURLToPath(new URL('../../../schemas/config.schema.json', import.meta.url))

export interface NewSource {
  readonly id: string
  readonly name: string
}

/** The source of a file that the server creates itself. */
export const FIRST_SOURCE: NewSource = { id: 'default', name: 'Default source' }

/**
 * Creates the config file if it is missing. Resolves with the write key of the new file's source, for the banner; undefined
 * if the file exists. If the operator has named the file (`given`), it is never created, because a failed mount must not lead
 * to a new source: rejects with ConfigError if it is missing.
 */
export async function ensureConfigFile(options: {
  readonly file: string
  readonly given: boolean
}): Promise<string | undefined> {
  const { file, given } = options
  if (await exists(file)) return undefined
  if (given) throw new ConfigError([`CONFIG_FILE=${file}: no such file; "tributary init" makes one`])
  return createConfigFile(file, FIRST_SOURCE)
}

/** Creates a config file with one source, and resolves with its write key; undefined if the file exists. */
export async function createConfigFile(file: string, source: NewSource): Promise<string | undefined> {
  const writeKey = newWriteKey()
  const isMade = await withExplainedErrors(file, () => createFile(file, firstText(file, source, writeKey)))
  return isMade ? writeKey : undefined
}

async function exists(file: string): Promise<boolean> {
  // A symlink without a target counts as existing, because a file is expected there.
  return lstat(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw new ConfigError([`${file}: cannot be read (${error.code})`], { cause: error })
    }
  )
}

/** Returns the text of a new tributary.yml with one source. */
export function firstText(file: string, { id, name }: NewSource, writeKey: string): string {
  const schema = relative(dirname(resolve(file)), SCHEMA).replaceAll(sep, '/')
  return `# yaml-language-server: $schema=${schema}
#
# Who may send events to Tributary, and where the events go. Save this file and it is in force within 2 s (in a fleet, after
# "tributary config push"). What is wrong with an edit is in the log, and the last good one stays in force; "tributary
# config check" tells it too.
# Write keys are secrets of this file: "tributary keys add|list|revoke|rotate" edits them for you.

sources:
  - id: ${yamlText(id)}
    name: ${yamlText(name)}
    writeKeys: [${writeKey}]
    # enabled: true
    # allowedOrigins: [https://www.example.com]
    # rateLimit: { eventsPerSecond: 500 }

# Besides the topic of all events, destinations get those that \`integrations\` allows them:
#
# destinations:
#   - name: Amplitude
#     topic: tributary.destination.amplitude
#     sources: [${yamlText(id)}]
#     types: [track, identify]
`
}
