import { readFileSync } from 'node:fs'
import type { Variable } from './variable.ts'
import type { VariableName } from './variables.ts'
import { VARIABLE_NAMES, VARIABLES } from './variables.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** The environment with the secrets from files added, and the file of each of them. */
export interface ReadSecrets {
  readonly env: Environment
  readonly files: Readonly<Partial<Record<VariableName, string>>>
  readonly problems: readonly string[]
}

const SUFFIX = '_FILE'
const MAX_SECRET_BYTES = 64 * 1024

const isSecret = (name: VariableName): boolean => (VARIABLES[name] as Variable<unknown>).secret === true

/** The secret variables, whose value may come from a file: ADMIN_PASSWORD from ADMIN_PASSWORD_FILE, and so on. */
export const SECRET_FILE_NAMES: readonly string[] = VARIABLE_NAMES.filter(isSecret)
  .map(name => `${name}${SUFFIX}`)
  .filter(name => !Object.hasOwn(VARIABLES, name))

/**
 * Reads the secrets that are given as files, as Docker and Kubernetes mount them: NAME_FILE for each secret variable NAME. A
 * file for a variable that is not secret, and both forms at once, are problems, in the form that readEnvironment() reports.
 */
export function readSecretFiles(given: Environment): ReadSecrets {
  const env: Record<string, string | undefined> = { ...given }
  const files: Partial<Record<VariableName, string>> = {}
  const problems: string[] = []
  for (const name of VARIABLE_NAMES) {
    const variable = `${name}${SUFFIX}`
    const file = (given[variable] ?? '').trim()
    if (file === '' || Object.hasOwn(VARIABLES, variable)) continue
    if (!isSecret(name)) {
      problems.push(`${variable}: ${name} is not read from a file; those that are: ${SECRET_FILE_NAMES.join(', ')}`)
      continue
    }
    if ((given[name] ?? '').trim() !== '') {
      problems.push(`${name} and ${variable} are both set: remove one of them`)
      continue
    }
    try {
      env[name] = secretOf(read(file))
      files[name] = file
    } catch (error) {
      problems.push(`${variable}=${JSON.stringify(file)}: ${(error as Error).message}`)
    }
  }
  return { env, files, problems }
}

function read(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new Error(`expected a file that can be read (${(error as NodeJS.ErrnoException).code})`, { cause: error })
  }
}

/** The secret in a file's bytes, without the white space around it. Throws an Error that does not quote it. */
export function secretOf(bytes: Buffer): string {
  if (bytes.length > MAX_SECRET_BYTES) throw new Error('expected a secret, but the file is larger than 64 KiB')
  const text = bytes.toString('utf8').trim()
  if (text === '') throw new Error('expected a secret, but the file is empty')
  if (/[\r\n]/.test(text)) throw new Error('expected a secret, but the file has several lines')
  return text
}
