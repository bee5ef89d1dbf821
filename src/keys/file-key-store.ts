import { resolve } from 'node:path'
import type { Clock } from '../model/clock.ts'
import { systemClock } from '../model/clock.ts'
import { ConfigError } from '../model/config-error.ts'
import type { KeyStore } from '../model/source.ts'
import type { KeyedTributaryFile, ParseTributaryFile, TributaryFile } from '../model/tributary-file.ts'
import { createKeyIndex } from './key-index.ts'
import { observe } from './read-file.ts'
import type { Observation } from './read-file.ts'
import { watchFile } from './watch-file.ts'

/** The part of a logger that is used here; pino has this form. */
export interface KeyStoreLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface FileKeyStoreOptions {
  readonly file: string
  readonly parse: ParseTributaryFile
  readonly log: KeyStoreLog
  /** Told of every edit that was read: whether it is in force. */
  readonly onReload?: (result: { readonly ok: boolean }) => void
  readonly clock?: Clock
}

export interface FileKeyStore extends KeyStore {
  /** The last good file. */
  current(): TributaryFile
  /** `listener` is told each new good file, after lookups have it; the answer stops that. */
  onChange(listener: (file: TributaryFile) => void): () => void
}

/**
 * Sources and destinations from tributary.yml, read again within 2 s of every change. An edit that cannot be used
 * changes nothing and is said once in the log. Rejects with ConfigError where there is no good file to begin with.
 */
export async function createFileKeyStore(options: FileKeyStoreOptions): Promise<FileKeyStore> {
  const { parse, log, onReload, clock = systemClock } = options
  // Kept absolute, so that a process that changes its folder goes on reading the same file.
  const path = resolve(options.file)
  const first = await observe(path)
  let current = read(first)
  let find = createKeyIndex(current.writeKeys)
  const listeners = new Set<(file: TributaryFile) => void>()

  function read(seen: Observation): KeyedTributaryFile {
    if (seen.text === undefined) throw new ConfigError([seen.problem ?? `${options.file}: cannot be read`])
    return parse(seen.text, options.file)
  }

  function reload(seen: Observation): void {
    try {
      const next = read(seen)
      const index = createKeyIndex(next.writeKeys)
      current = next
      find = index
    } catch (error) {
      log.warn(
        { file: options.file, problem: (error as Error).message },
        'config file not usable; the last good one stays'
      )
      onReload?.({ ok: false })
      return
    }
    const { sources, destinations } = current.file
    const counts = { sources: sources.length, destinations: destinations.length }
    log.info({ file: options.file, ...counts }, 'config file reloaded')
    onReload?.({ ok: true })
    for (const listener of listeners) tell(listener)
  }

  function tell(listener: (file: TributaryFile) => void): void {
    try {
      listener(current.file)
    } catch (error) {
      log.warn({ err: error }, 'the new config file is not in force everywhere')
    }
  }

  const watcher = watchFile({ file: path, known: first, onSettled: reload, clock })
  return {
    find: writeKey => find(writeKey),
    sources: () => current.file.sources,
    current: () => current.file,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close: () => watcher.close()
  }
}
