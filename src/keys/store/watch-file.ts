import { watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Clock } from '../../model/clock.ts'
import { readObservation } from '../read-file.ts'
import type { Observation } from '../read-file.ts'

/**
 * A change counts after the file has been unchanged for this long. The first half of a file can be a valid file without some
 * sources: a writer that pauses for a second must not cause their events to be refused.
 */
const SETTLE_MS = 1250
/** Together with SETTLE_MS less than the documented 2 s, also without any file system event. */
const POLL_MS = 300
/** One save causes several events. */
const COALESCE_MS = 20

export interface WatchFileOptions {
  readonly file: string
  /** The content that is already in force. */
  readonly known: Observation
  /** Called once for each content, and for each problem, after it has settled. */
  readonly onSettled: (observation: Observation) => void
  readonly clock: Clock
}

export interface FileWatch {
  /** Reads the file now and calls onSettled, also if the content is unchanged, without waiting for it to settle. */
  check(): void
  close(): Promise<void>
}

/**
 * Watches the content of a file, however it is saved: in place, by rename, deleted and created again, or by a replaced symlink
 * on its path. Events of its folder make this fast, and polling makes it reliable. Does not keep the process alive.
 */
export function watchFile({ file, known, onSettled, clock }: WatchFileOptions): FileWatch {
  let settledId = known.id
  let pending: { readonly id: string; readonly since: number } | undefined
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let isAsked = false
  let closed = false

  async function check(): Promise<void> {
    const wasAsked = isAsked
    isAsked = false
    const seen = await readObservation(file)
    if (closed) return
    const now = clock.monotonic()
    if (wasAsked) return settle(seen)
    if (seen.id === settledId) pending = undefined
    else if (pending?.id !== seen.id) {
      pending = { id: seen.id, since: now }
      soon(SETTLE_MS)
    } else if (now - pending.since < SETTLE_MS) soon(SETTLE_MS - (now - pending.since))
    else settle(seen)
  }

  function settle(seen: Observation): void {
    pending = undefined
    settledId = seen.id
    onSettled(seen)
  }

  function run(): void {
    running ??= check().finally(() => {
      running = undefined
      if (isAsked && !closed) run()
    })
  }

  function soon(delayMs: number): void {
    clearTimeout(timer)
    timer = setTimeout(run, Math.ceil(delayMs)).unref()
  }

  const poll = setInterval(run, POLL_MS).unref()
  const watcher = watchFolder(file, () => soon(COALESCE_MS))
  return {
    check() {
      isAsked = true
      run()
    },
    async close() {
      closed = true
      clearInterval(poll)
      clearTimeout(timer)
      watcher?.close()
      await running
    }
  }
}

/** Undefined if the system has no events (no inotify watches left, or a file system without them). Polling is then enough. */
function watchFolder(file: string, onEvent: () => void): FSWatcher | undefined {
  const name = basename(file)
  try {
    const watcher = watch(dirname(file), { persistent: false }, (_event, changed) => {
      // Kubernetes replaces the symlink `..data` beside the file.
      if (changed === null || changed === name || changed.startsWith('..')) onEvent()
    })
    return watcher.on('error', () => watcher.close())
  } catch {
    return undefined
  }
}
