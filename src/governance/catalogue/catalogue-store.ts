import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '../../model/clock.ts'
import type { SeenEvent } from '../../model/plans/catalogue.ts'
import { lineOf } from '../../model/record.ts'
import type { EventReport, RequestReport } from '../../model/report.ts'
import { Catalogue } from './catalogue.ts'

export interface CatalogueStoreOptions {
  /** The file that keeps the catalogue over restarts. */
  readonly file: string
  readonly clock: Clock
  readonly log: { warn(fields: object, message: string): void }
}

export interface CatalogueStore {
  /** See Observer. */
  observe(report: RequestReport): void
  list(): readonly SeenEvent[]
  /** The number of observations that were not recorded because the catalogue is full. */
  dropped(): number
  close(): Promise<void>
}

/** The most events that are examined in a second, at 10 us each. More would not make the catalogue more accurate. */
const EVENTS_PER_SECOND = 200
const SAVE_EVERY_MS = 60_000
const MAX_FILE_BYTES = 64 * 1024 * 1024
const FILE_VERSION = 1

/**
 * Opens the store of what published events look like. If the file cannot be read, the catalogue starts empty and logs
 * the reason.
 */
export async function openCatalogueStore({ file, clock, log }: CatalogueStoreOptions): Promise<CatalogueStore> {
  const catalogue = new Catalogue(await load(file, log))
  let [remaining, since] = [EVENTS_PER_SECOND, clock.monotonic()]
  let isChanged = false
  let saving = Promise.resolve()

  function save(): void {
    if (!isChanged) return
    isChanged = false
    const text = JSON.stringify({ version: FILE_VERSION, events: catalogue.list() })
    saving = saving
      .then(() => write(file, text))
      .catch((error: Error) => {
        isChanged = true
        log.warn({ file, problem: error.message }, 'the catalogue cannot be saved')
      })
  }

  const timer = setInterval(save, SAVE_EVERY_MS).unref()
  return {
    observe({ source, events, receivedAt }) {
      const now = clock.monotonic()
      if (now - since >= 1_000) [remaining, since] = [EVENTS_PER_SECOND, now]
      if (remaining <= 0) return
      // Samples a large request evenly.
      const step = Math.ceil(events.length / remaining)
      const at = new Date(receivedAt).toISOString()
      for (let index = 0; index < events.length; index += step) {
        const value = publishedOf(events[index] as EventReport)
        if (value === undefined) continue
        remaining--
        isChanged = true
        catalogue.add(source, value, at)
      }
    },
    list: () => catalogue.list(),
    dropped: () => catalogue.dropped,
    async close() {
      clearInterval(timer)
      save()
      await saving
    }
  }
}

/** The event as it was published, with the batch's context; undefined if it was refused or not published. */
function publishedOf(event: EventReport): Record<string, unknown> | undefined {
  if (event.place < 0 || (event.outcome !== 'accepted' && event.outcome !== 'filtered')) return undefined
  const record = JSON.parse(lineOf(event).toString()) as Record<string, unknown>
  const value = event.kind === 'event' ? record : record['event']
  return typeof value === 'object' && value !== null ? { ...value, type: event.type } : undefined
}

async function load(file: string, log: CatalogueStoreOptions['log']): Promise<readonly SeenEvent[]> {
  try {
    if ((await stat(file)).size > MAX_FILE_BYTES) throw new Error(`larger than ${MAX_FILE_BYTES} bytes`)
    const { version, events } = JSON.parse(await readFile(file, 'utf8')) as { version: unknown; events: SeenEvent[] }
    if (version !== FILE_VERSION || !Array.isArray(events)) throw new Error('not a catalogue of this version')
    return events
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      log.warn({ file, problem: (error as Error).message }, 'the catalogue cannot be read, and is begun anew')
    }
    return []
  }
}

/** Replaces the file atomically, so that no reader sees half of it. */
async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.tmp`, text)
  await rename(`${file}.tmp`, file)
}
