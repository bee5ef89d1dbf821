import { watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Clock } from '../../model/clock.ts'
import { observe } from '../read-file.ts'
import type { Observation } from '../read-file.ts'

/**
 * A change is believed once the file has been still for this long. The first half of a file can be a valid file, one
 * in which sources are missing; a writer that rests for a second must not cost their events.
 */
const SETTLE_MS = 1250
/** Together with SETTLE_MS under the 2 s that are promised, also where no file system event ever arrives. */
const POLL_MS = 300
/** One save makes several events. */
const COALESCE_MS = 20

export interface WatchFileOptions {
  readonly file: string
  /** The content that is in force already. */
  readonly known: Observation
  /** Told each content, and each trouble, once, when it has settled. */
  readonly onSettled: (observation: Observation) => void
  readonly clock: Clock
}

export interface FileWatch {
  /** Reads the file now and tells its content, whether it has changed or not, without waiting until it is still. */
  check(): void
  close(): Promise<void>
}

/**
 * Follows a file by its content, whatever way it is saved: in place, by rename, deleted and made again, by a swapped
 * symlink on the way to it. Events of its folder make that fast; polling makes it sure. Holds no process open.
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
    const seen = await observe(file)
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

/** Undefined where the system gives no events (no inotify watches left, a file system without them): polling is enough. */
function watchFolder(file: string, onEvent: () => void): FSWatcher | undefined {
  const name = basename(file)
  try {
    const watcher = watch(dirname(file), { persistent: false }, (_event, changed) => {
      // Kubernetes swaps the symlink `..data` beside the file.
      if (changed === null || changed === name || changed.startsWith('..')) onEvent()
    })
    return watcher.on('error', () => watcher.close())
  } catch {
    return undefined
  }
}
