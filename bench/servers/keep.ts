/** What makes an answer worth something, and nothing else: bodies are kept before they are answered. */
import { fdatasync, openSync, writev } from 'node:fs'

/** Calls back once the body is durable. */
export type Keep = (body: Buffer, done: () => void) => void

export type KeepGroup = (bodies: readonly Buffer[]) => Promise<unknown>

interface Waiting {
  readonly body: Buffer
  readonly done: () => void
}

/**
 * As the command line says: `<file>`, appended to and fsynced; `<topic> <broker>`, to Kafka with acks=all and
 * idempotence; nothing, kept nowhere. One group is under way at a time, and what comes meanwhile is the next.
 */
export async function createKeep([place, broker]: readonly string[]): Promise<Keep> {
  if (place === undefined) return (_body, done) => done()
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
      await keep(group.map(({ body }) => body))
      for (const { done } of group) done()
    }
    isBusy = false
  }

  return (body, done) => {
    waiting.push({ body, done })
    if (!isBusy) void run()
  }
}

function appendTo(file: string): KeepGroup {
  const fd = openSync(file, 'a')
  return bodies =>
    new Promise<void>((resolve, reject) => {
      writev(fd, bodies, error => {
        if (error !== null) return reject(error)
        fdatasync(fd, failure => (failure === null ? resolve() : reject(failure)))
      })
    })
}
