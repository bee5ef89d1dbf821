import { ConfigError } from '../../model/config-error.ts'
import { hashesAnything } from '../../model/governance/privacy.ts'
import type { ParseTributaryFile, TributaryFile } from '../../model/tributary-file.ts'

/**
 * Reads tributary.yml as `parse` does, and refuses it if a rule hashes but there is no key. An edit that would publish
 * values unhashed therefore never takes effect.
 *
 * @param hashKey PRIVACY_HASH_KEY
 */
export function checkHashKey(parse: ParseTributaryFile, hashKey: string | undefined): ParseTributaryFile {
  return (text, fileName) => {
    const parsed = parse(text, fileName)
    const problem = hashKeyProblem(parsed.file, hashKey)
    if (problem === undefined) return parsed
    throw new ConfigError([`${fileName}: ${problem}`])
  }
}

/** What is wrong if tributary.yml hashes values and there is no PRIVACY_HASH_KEY; otherwise undefined. */
export function hashKeyProblem({ sources }: TributaryFile, hashKey: string | undefined): string | undefined {
  const hashing = sources.find(({ privacy }) => privacy !== undefined && hashesAnything(privacy))
  if (hashing === undefined || hashKey !== undefined) return undefined
  return `privacy hashes values of the source "${hashing.id}": set PRIVACY_HASH_KEY or PRIVACY_HASH_KEY_FILE`
}
