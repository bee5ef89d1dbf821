import { resolve } from 'node:path'
import type { Clock } from '../../model/clock.ts'
import { systemClock } from '../../model/clock.ts'
import { ConfigError } from '../../model/config-error.ts'
import type { KeyStore } from '../../model/source.ts'
import type { KeyedTributaryFile, ParseTributaryFile, TributaryFile } from '../../model/tributary-file.ts'
import { readKeyEntry } from '../key-digest.ts'
import type { ConfigReading } from './config-state.ts'
import { createConfigState } from './config-state.ts'
import { createKeyIndex } from './key-index.ts'
import { createPrivateKeys } from './private-keys.ts'
import { readObservation } from '../read-file.ts'
import type { Observation } from '../read-file.ts'
import type { SourceKey } from './source-keys.ts'
import { groupBySource } from './source-keys.ts'
import { watchFile } from './watch-file.ts'
import type { FileWatch } from './watch-file.ts'

/** The part of a logger that is used here. pino implements it. */
export interface KeyStoreLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface FileKeyStoreOptions {
  readonly file: string
  readonly parse: ParseTributaryFile
  readonly log: KeyStoreLog
  readonly clock?: Clock
  /** Called for each edit that comes into force, with the hash of its text. */
  readonly onEdit?: (edited: KeyedTributaryFile, hash: string) => void
}

/** Decides when an edit comes into force, so that its keys take effect in the same turn of the event loop as its other parts. */
export interface EditApproval {
  /** Requests `file`. The approval calls `takeEffect` once if the file comes into force. A newer request replaces an older one. */
  request(file: TributaryFile, takeEffect: () => void): void
  /** Cancels the last request. */
  withdraw(): void
}

export interface FileKeyStore extends KeyStore {
  /** The file in force. */
  current(): TributaryFile
  /** The same with its keys. Only for callers that show no key. */
  keyed(): KeyedTributaryFile
  /** The keys of every source, by source id. Only for callers that may show them. */
  sourceKeys(): ReadonlyMap<string, readonly SourceKey[]>
  /** A key of the source that only this process has. */
  privateKey(sourceId: string): string
  /** Which configuration is in force, and whether it is the last edit. */
  configState(): ConfigReading
  /** The lengths of the keys, in characters: a text of another length is no key. */
  keyLengths(): ReadonlySet<number>
  /** Follows edits from now on. Without `approval`, a valid edit is in force at once. */
  follow(approval?: EditApproval): void
  /** Reads the file now and handles it as a settled edit. Does nothing before follow(). */
  check(): void
}

const AT_ONCE: EditApproval = { request: (_file, takeEffect) => takeEffect(), withdraw: () => undefined }

/**
 * Reads sources and destinations from tributary.yml, after follow() again within 2 s of every change. An edit that cannot be
 * used is logged once and changes nothing. Rejects with ConfigError if the first file is missing or not valid.
 */
export async function createFileKeyStore(options: FileKeyStoreOptions): Promise<FileKeyStore> {
  const { log, clock = systemClock } = options
  // Absolute, so that a process that changes its working directory still reads the same file.
  const path = resolve(options.file)
  const first = await readObservation(path)
  const read = (seen: Observation): KeyedTributaryFile => readOrThrow(options, seen)
  let current = read(first)
  const state = createConfigState(first.text)
  let find = createKeyIndex(current.writeKeys)
  let lengths = lengthsOf(current)
  const privateKeys = createPrivateKeys()
  let approval = AT_ONCE
  let watch: FileWatch | undefined

  function reload(seen: Observation): void {
    // The file has changed again, so no earlier state of it may come into force.
    approval.withdraw()
    state.offered()
    try {
      const next = read(seen)
      const index = createKeyIndex(next.writeKeys)
      approval.request(next.file, () => {
        state.used(seen.text)
        current = next
        find = index
        lengths = lengthsOf(next)
        options.onEdit?.(next, state.read().hash)
        log.info({ file: options.file, ...countsOf(next.file) }, 'config file reloaded')
      })
    } catch (error) {
      log.warn(
        { file: options.file, problem: (error as Error).message },
        'config file not usable; the last good one stays'
      )
    }
  }

  return {
    find(writeKey) {
      const owner = privateKeys.ownerOf(writeKey)
      return owner === undefined ? find(writeKey) : current.file.sources.find(({ id }) => id === owner)
    },
    privateKey: privateKeys.of,
    sources: () => current.file.sources,
    current: () => current.file,
    keyed: () => current,
    sourceKeys: () => groupBySource(current),
    configState: state.read,
    keyLengths: () => lengths,
    follow(asked = AT_ONCE) {
      approval = asked
      watch ??= watchFile({ file: path, known: first, onSettled: reload, clock })
    },
    check: () => watch?.check(),
    async close() {
      approval.withdraw()
      await watch?.close()
    }
  }
}

function readOrThrow({ parse, file }: FileKeyStoreOptions, { text, problem }: Observation): KeyedTributaryFile {
  if (text === undefined) throw new ConfigError([problem ?? `${file}: cannot be read`])
  return parse(text, file)
}

function countsOf({ sources, destinations }: TributaryFile) {
  return { sources: sources.length, destinations: destinations.length }
}

function lengthsOf({ writeKeys }: KeyedTributaryFile): ReadonlySet<number> {
  return new Set([...writeKeys.keys()].map(entry => readKeyEntry(entry).length))
}
