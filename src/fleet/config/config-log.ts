import type { FleetRecord } from '../topics/reader.ts'
import type { Claim, ConfigVersion } from './version.ts'
import { readClaim, readKey, readSeed, readVersion } from './version.ts'

/** The number of versions that the topic keeps. */
export const KEPT_VERSIONS = 50

export interface HeldClaim extends Claim {
  /** Monotonic milliseconds when it was read. */
  readonly since: number
}

/**
 * The configuration topic as far as it was read. One rule: the highest version is in force. Only the holder of the first
 * claim for a version writes it, so all readers agree, whatever compaction has removed.
 */
export class ConfigLog {
  readonly #monotonic: () => number
  readonly #versions = new Map<number, ConfigVersion>()
  readonly #claims = new Map<number, HeldClaim>()
  #current: ConfigVersion | undefined
  #lastOffset = -1n
  #seed: readonly [number, number] | undefined

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic
  }

  /** Adds records, and returns whether another version is in force now. */
  take(records: readonly FleetRecord[]): boolean {
    const before = this.#current
    for (const { offset, key, value } of records) {
      this.#lastOffset = offset
      this.#seed ??= readSeed(key, value)
      const named = readKey(key)
      if (named === undefined) continue
      if (named.kind === 'claim') this.#takeClaim(named.version, value)
      else this.#takeVersion(named.version, value)
    }
    return this.#current !== before
  }

  /** The version in force; undefined while the topic has none. */
  get current(): ConfigVersion | undefined {
    return this.#current
  }

  /** The offset of the last record that was read. */
  get lastOffset(): bigint {
    return this.#lastOffset
  }

  /** The seed with which all servers hash messageIds; undefined while the topic has none. */
  get seed(): readonly [number, number] | undefined {
    return this.#seed
  }

  /** Oldest first. */
  history(): readonly ConfigVersion[] {
    return [...this.#versions.values()].toSorted((a, b) => a.version - b.version)
  }

  /** The claim that may write a version; undefined if there is none. */
  holderOf(version: number): HeldClaim | undefined {
    return this.#claims.get(version)
  }

  #takeClaim(version: number, value: Buffer | null): void {
    if (value === null) {
      this.#claims.delete(version)
      return
    }
    const claim = readClaim(value)
    if (claim === undefined || this.#claims.has(version)) return
    this.#claims.set(version, { ...claim, since: this.#monotonic() })
  }

  #takeVersion(version: number, value: Buffer | null): void {
    if (value === null) {
      this.#versions.delete(version)
      return
    }
    const read = readVersion(value, version)
    if (read === undefined) return
    this.#versions.set(version, read)
    if (version > (this.#current?.version ?? 0)) this.#current = read
    for (const old of this.#versions.keys()) if (old <= version - KEPT_VERSIONS) this.#versions.delete(old)
    for (const old of this.#claims.keys()) if (old < version) this.#claims.delete(old)
  }
}
