/** Stores events before they are answered, and does nothing else. */
import { closeSync, fdatasync, openSync, unlinkSync, writev } from 'node:fs'

/** Makes the records of a request; called only if they are stored. */
export type Records = () => readonly Buffer[]

/** Calls back when the records are durable. */
export type Keep = (records: Records, done: () => void) => void

export type KeepGroup = (records: readonly Buffer[]) => Promise<unknown>

interface Waiting {
  readonly records: readonly Buffer[]
  readonly done: () => void
}

/**
 * The unit that is stored: a line for each event, with the events of a batch written separately; or the body as it
 * came, which is the least that durability needs and less than a consumer can use.
 */
export type Unit = 'events' | 'bodies'

export function recordsOf(unit: string | undefined, { batch }: { batch?: object[] }, bytes: Buffer): Records {
  return () =>
    batch === undefined || unit === ('bodies' satisfies Unit)
      ? [Buffer.concat([bytes, LINE_FEED])]
      : batch.map(event => Buffer.from(`${JSON.stringify(event)}\n`))
}

const LINE_FEED = Buffer.from('\n')

/**
 * Creates the store that the command line names: `<file>` appends and fsyncs; `<topic> <broker>` sends to Kafka with
 * acks=all and idempotence; without arguments nothing is stored. One group is written at a time, and requests that
 * arrive meanwhile form the next.
 */
export async function createKeep([place, broker]: readonly string[]): Promise<Keep> {
  if (place === undefined) return (_records, done) => done()
  if (broker === undefined) return inGroups(appendTo(place))
  // Loaded only if it is needed: it takes 20 MB.
  const { produceTo } = await import('./produce.ts')
  return inGroups(await produceTo(place, broker))
}

function inGroups(keep: KeepGroup): Keep {
  let waiting: Waiting[] = []
  let isBusy = false

  async function run(): Promise<void> {
    isBusy = true
    while (waiting.length > 0) {
      const group = waiting
      waiting = []
      await keep(group.flatMap(({ records }) => records))
      for (const { done } of group) done()
    }
    isBusy = false
  }

  return (records, done) => {
    waiting.push({ records: records(), done })
    if (!isBusy) void run()
  }
}

/**
 * The most MiB of a log, of this program and of Tributary, so that deleted files release their memory to new ones. The
 * kernel caches written data in memory that a virtual machine gets from its host page by page. A program that writes
 * gigabytes and deletes none pays for that: four times the CPU for each write.
 */
export const MOST_KEPT_MIB = 512
const SEGMENT_MIB = 128

function appendTo(path: string): KeepGroup {
  const files: string[] = []
  let begun = 0
  let bytes = 0
  let fd = begin()

  function begin(): number {
    const file = `${path}-${begun++}`
    files.push(file)
    if (files.length > MOST_KEPT_MIB / SEGMENT_MIB) unlinkSync(files.shift() as string)
    bytes = 0
    return openSync(file, 'a')
  }

  return records =>
    new Promise<void>((resolve, reject) => {
      if (bytes > SEGMENT_MIB * 1024 ** 2) {
        closeSync(fd)
        fd = begin()
      }
      writev(fd, records, (error, written) => {
        if (error !== null) return reject(error)
        bytes += written
        fdatasync(fd, failure => (failure === null ? resolve() : reject(failure)))
      })
    })
}
