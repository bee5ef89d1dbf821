import { createHasher } from '../privacy/hash.ts'

/** The form that `durability/erase` takes. */
export interface StoredAboutUsers {
  isGone(line: Buffer): boolean
  mayHold(bytes: Buffer): boolean
}

export interface AboutUsersOptions {
  /** PRIVACY_HASH_KEY. With it, records with the hash of an id are found too. */
  readonly hashKey?: string | undefined
  /** Selects all records that contain an id anywhere, whoever they are about. */
  readonly everywhere?: boolean
}

type JsonObject = Readonly<Record<string, unknown>>

const ID_KEYS = ['userId', 'anonymousId', 'previousId'] as const
const BACKSLASH = 0x5c

/**
 * Selects the stored records that are about users: events whose userId, anonymousId or previousId is one of the ids, as
 * in the suppression list; refused events with such an id; and refused bodies that contain an id anywhere, because they
 * have no events.
 */
export function aboutUsers(users: readonly string[], options: AboutUsersOptions = {}): StoredAboutUsers {
  const { hashKey, everywhere = false } = options
  const ids = new Set([...users, ...(hashKey === undefined ? [] : users.map(createHasher(hashKey)))])
  const spellings = [...ids].map(spelled)
  const patterns = spellings.map(text => Buffer.from(text))
  const wide = [...ids].map(id => Buffer.from(id, 'utf16le'))

  /** Most lines are about other users, and need not be parsed. */
  const canHold = (line: Buffer): boolean => line.includes(BACKSLASH) || patterns.some(id => line.includes(id))
  const holds = (text: string): boolean => spellings.some(id => text.includes(id))

  return {
    isGone(line) {
      if (!canHold(line) && !line.includes('"encoding":"base64"')) return false
      const record = objectOf(JSON.parse(line.toString()))
      if (record === undefined) return false
      if (everywhere && holds(JSON.stringify(record))) return true
      const { event, body, encoding, version, forwardedFromProject } = record
      // Only an event has a version, and only a violation has the other member. A refused event may be JSON or text,
      // and may have its bytes in base64.
      if (version !== undefined || forwardedFromProject !== undefined) return isAbout(record)
      const text = [body, event].find(value => typeof value === 'string')
      if (text !== undefined) return mayHold(encoding === 'base64' ? Buffer.from(text, 'base64') : Buffer.from(text))
      return isAbout(record) || isAbout(objectOf(event))
    },
    mayHold
  }

  function mayHold(bytes: Buffer): boolean {
    // ASCII in UTF-16 is valid UTF-8 too, with NULs, so such a body may be stored as text: the ids are looked for in both forms.
    if ([...patterns, ...wide].some(id => bytes.includes(id))) return true
    const text = bytes.includes(BACKSLASH) ? unescaped(bytes.toString()) : ''
    return [...ids].some(id => text.includes(id))
  }

  function isAbout(value: JsonObject | undefined): boolean {
    return value !== undefined && ID_KEYS.some(key => isId(value[key]))
  }

  function isId(value: unknown): boolean {
    // A number as an id is refused, and is in the refused record.
    return typeof value === 'string' ? ids.has(value) : typeof value === 'number' && ids.has(String(value))
  }
}

/** A text as it is inside JSON from JSON.stringify(). */
function spelled(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

function objectOf(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
}

/** Resolves JSON's escapes in text that is not JSON. */
function unescaped(text: string): string {
  return text.replaceAll(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_, code: string | undefined, plain: string | undefined) =>
    code === undefined ? (plain ?? '') : String.fromCharCode(Number.parseInt(code, 16))
  )
}
