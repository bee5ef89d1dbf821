/** What makes an answer worth something, and nothing else: events are kept before they are answered. */
import { closeSync, fdatasync, openSync, unlinkSync, writev } from 'node:fs'

/** Makes the records of a request, and only where they are to be kept. */
export type Records = () => readonly Buffer[]

/** Calls back once they are durable. */
export type Keep = (records: Records, done: () => void) => void

export type KeepGroup = (records: readonly Buffer[]) => Promise<unknown>

interface Waiting {
  readonly records: readonly Buffer[]
  readonly done: () => void
}

/**
 * What is kept of a request: a line for each event, those of a batch written out again; or, as little as durability
 * asks for and less than a consumer can use, the body as it came.
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
 * As the command line says: `<file>`, appended to and fsynced; `<topic> <broker>`, to Kafka with acks=all and
 * idempotence; nothing, kept nowhere. One group is under way at a time, and what comes meanwhile is the next.
 */
export async function createKeep([place, broker]: readonly string[]): Promise<Keep> {
  if (place === undefined) return (_records, done) => done()
  if (broker === undefined) return inGroups(appendTo(place))
  // Not for those that need no client: it weighs 20 MB.
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
 * What a log may hold, in MiB, this one and Tributary's: what is deleted leaves its memory to what comes. The kernel keeps
 * what was written in memory that a virtual machine gets from its host page by page, and whoever writes gigabytes without
 * deleting any pays for that: four times the CPU for each write.
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
