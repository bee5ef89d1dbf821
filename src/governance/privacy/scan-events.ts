import type { Pii } from './detect-pii.ts'
import { piiOfName, piiOfValue } from './detect-pii.ts'

/** One kind of personal data at one place of events. Contains no value. */
export interface PiiFinding extends Pii {
  /** In the form that `privacy.drop` and `privacy.hash` take; `*` stands for any index. */
  readonly path: string
  readonly by: 'name' | 'value'
  events: number
}

export interface PiiReport {
  readonly events: number
  /** Lines that are no JSON objects. */
  readonly unreadable: number
  /** The red findings first, then by the number of events. */
  readonly findings: readonly PiiFinding[]
  /** Places that were not counted because there are too many. */
  readonly omitted: number
}

const LOOKED_AT = ['userId', 'anonymousId', 'previousId', 'groupId', 'properties', 'traits', 'context'] as const
/** A client that varies its keys must not fill the memory. */
const MAX_FINDINGS = 5_000
const MAX_KEY_CHARS = 100

/** Reads events, one line at a time, and reports where they seem to contain personal data. */
export class PiiScan {
  readonly #findings = new Map<string, PiiFinding>()
  #events = 0
  #unreadable = 0
  #omitted = 0

  /** @param line an event, or a rejected record, whose event is examined */
  add(line: string): void {
    if (line.trim() === '') return
    const record = parse(line)
    if (record === undefined) {
      this.#unreadable++
      return
    }
    const inner = 'code' in record && !('version' in record) ? record['event'] : record
    this.#events++
    if (typeof inner !== 'object' || inner === null) return
    const seen = new Set<string>()
    for (const key of LOOKED_AT) {
      if (Object.hasOwn(inner, key)) this.#look((inner as Record<string, unknown>)[key], key, seen)
    }
  }

  report(): PiiReport {
    const findings = [...this.#findings.values()].sort(
      (a, b) =>
        Number(b.level === 'red') - Number(a.level === 'red') || b.events - a.events || (a.path < b.path ? -1 : 1)
    )
    return { events: this.#events, unreadable: this.#unreadable, findings, omitted: this.#omitted }
  }

  #look(value: unknown, path: string, seen: Set<string>): void {
    if (typeof value === 'string' || typeof value === 'number') {
      const pii = piiOfValue(value)
      if (pii !== undefined) this.#found(pii, path, 'value', seen)
    } else if (Array.isArray(value)) for (const item of value) this.#look(item, `${path}.*`, seen)
    else if (typeof value === 'object' && value !== null) {
      for (const [key, member] of Object.entries(value)) this.#member(key, member, path, seen)
    }
  }

  #member(key: string, value: unknown, path: string, seen: Set<string>): void {
    // A key can be data itself: a map of addresses.
    const ofKey = piiOfValue(key)
    const inner = `${path}.${ofKey === undefined ? key.slice(0, MAX_KEY_CHARS) : '*'}`
    if (ofKey !== undefined) this.#found(ofKey, inner, 'value', seen)
    const pii = piiOfName(key)
    if (pii !== undefined && revealsData(value)) this.#found(pii, inner, 'name', seen)
    this.#look(value, inner, seen)
  }

  #found(pii: Pii, path: string, by: PiiFinding['by'], seen: Set<string>): void {
    const id = `${by} ${pii.kind} ${path}`
    if (seen.has(id)) return
    seen.add(id)
    const known = this.#findings.get(id)
    if (known !== undefined) known.events++
    else if (this.#findings.size < MAX_FINDINGS) this.#findings.set(id, { ...pii, path, by, events: 1 })
    else this.#omitted++
  }
}

/** Values that rules have hashed already, and empty values, reveal nothing. */
function revealsData(value: unknown): boolean {
  return value !== null && value !== '' && !(typeof value === 'string' && /^[\da-f]{64}$/i.test(value))
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
