import { ConfigError } from '../../model/config-error.ts'
import { hashesAnything } from '../../model/governance/privacy.ts'
import type { ParseTributaryFile } from '../../model/tributary-file.ts'

/**
 * Reads tributary.yml as `parse` does, and refuses one that hashes where there is no key: an edit that would let values pass
 * in the clear never comes into force.
 *
 * @param hashKey PRIVACY_HASH_KEY
 */
export function checkHashKey(parse: ParseTributaryFile, hashKey: string | undefined): ParseTributaryFile {
  return (text, fileName) => {
    const parsed = parse(text, fileName)
    const { sources } = parsed.file
    const hashing = sources.find(({ privacy }) => privacy !== undefined && hashesAnything(privacy))
    if (hashing === undefined || hashKey !== undefined) return parsed
    throw new ConfigError([
      `${fileName}: privacy hashes values of the source "${hashing.id}": set PRIVACY_HASH_KEY or PRIVACY_HASH_KEY_FILE`
    ])
  }
}
