/** Audits every change of the configuration, also one that was made while no server was running. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConfigFacts } from '../../keys/store/config-changes.ts'
import { configChanges, configFacts } from '../../keys/store/config-changes.ts'
import type { Audit } from '../../model/operations/audit.ts'
import type { KeyedTributaryFile } from '../../model/tributary-file.ts'

/** Longer values are cut in the log and on the page. */
const MAX_VALUE_CHARS = 80
const UNKNOWN_EDITS = 'an edit of the configuration while the server is stopped may be missing in the audit'
const FILE = 'audited-config.json'

export interface AuditPlace {
  readonly audit: Audit
  /** The folder of the configuration that was audited last; undefined: none is kept. */
  readonly dir: string | undefined
}

export interface AuditedConfigOptions extends AuditPlace {
  /** What the configuration is read from. */
  readonly from: string
  readonly log: { warn(fields: object, message: string): void }
}

/** The content of the file. */
interface Kept {
  /** The hash of the text. While it is the same, a new version of the software that reads more of it is no change. */
  readonly hash: string
  readonly facts: ConfigFacts
}

/** The configuration that was audited last. Never throws. */
export class AuditedConfig {
  readonly #options: AuditedConfigOptions
  #last: ConfigFacts | undefined

  constructor(options: AuditedConfigOptions) {
    this.#options = options
  }

  /** Compares the configuration of a starting server with the one that was audited last. The first one is no change. */
  start(config: KeyedTributaryFile, hash: string): void {
    const kept = this.#read()
    if (kept?.hash === hash) {
      this.#last = configFacts(config)
      return
    }
    this.#last = kept?.facts
    this.#take({ config, hash, who: 'unknown', what: 'the configuration was changed while the server was stopped' })
  }

  /** Audits an edit that has come into force. */
  edited(config: KeyedTributaryFile, hash: string, who = 'an edit of the file'): void {
    this.#take({ config, hash, who, what: 'the configuration has changed' })
  }

  #take({ config, hash, who, what }: { config: KeyedTributaryFile; hash: string; who: string; what: string }): void {
    const facts = configFacts(config)
    const { audit, from } = this.#options
    const whole = this.#last === undefined ? [] : configChanges(this.#last, facts)
    if (this.#last !== undefined && whole.length > 0) {
      audit('config_changed', { who, from, what, changes: configChanges(this.#last, facts, MAX_VALUE_CHARS), whole })
    }
    this.#last = facts
    this.#keep({ hash, facts })
  }

  /** Undefined if there is none, or if it is damaged. */
  #read(): Kept | undefined {
    const { dir, log } = this.#options
    if (dir === undefined) return undefined
    try {
      return readKept(join(dir, FILE))
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      if (!isMissing) log.warn({ file: join(dir, FILE), problem: (error as Error).message }, UNKNOWN_EDITS)
      return undefined
    }
  }

  #keep(kept: Kept): void {
    const { dir, log } = this.#options
    if (dir === undefined) return
    const file = join(dir, FILE)
    try {
      mkdirSync(dir, { recursive: true })
      writeFileSync(`${file}.tmp`, JSON.stringify(kept), { mode: 0o600, flush: true })
      renameSync(`${file}.tmp`, file)
    } catch (error) {
      log.warn({ file, problem: (error as Error).message }, UNKNOWN_EDITS)
    }
  }
}

/** Throws the file system's error, or one about its content. */
function readKept(file: string): Kept {
  const kept = JSON.parse(readFileSync(file, 'utf8')) as Partial<Kept> | null
  const { sources, keys, destinations, rest } = kept?.facts ?? {}
  const isWhole = [sources, keys, destinations].every(Array.isArray) && typeof rest === 'object'
  if (!isWhole) throw new Error('it is not complete')
  return kept as Kept
}
