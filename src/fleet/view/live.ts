import { setTimeout as sleep } from 'node:timers/promises'
import { readEventStream } from '../../client/event-stream.ts'
import { describeFetchFailure } from '../../client/fetch-failure.ts'
import type { Member } from '../members/member-list.ts'
import { MAX_ANSWER_BYTES } from '../workers/messages.ts'
import type { Watcher } from '../workers/view/feed.ts'
import { headersFor } from './ask.ts'

export interface LiveOptions {
  /** The live ones. The workers of one server are members with one admin listener. */
  readonly members: () => readonly Member[]
  /** Whether the members topic answers. While it does not, nobody knows who is live. */
  readonly isHeard: () => boolean
  /** The instance of this server. */
  readonly self: string
  readonly password: string | undefined
  /** Filters, as in a URL. */
  readonly query: string
  /** The only server that is followed; undefined: all. */
  readonly server?: string | undefined
  /** By server, the number of the last event that the reader has. A server that is missing is followed from now on. */
  readonly after: Readonly<Record<string, number>>
}

/** A message of one server's live stream. */
interface Batch {
  readonly rows: readonly { readonly seq: number }[]
  readonly skipped: number
  readonly skippedFrom: number
}

/** The server behind one admin listener. */
interface Server {
  readonly name: string
  readonly adminUrl: string
  /** Its processes when it was last seen live: one, or its workers. */
  instances: ReadonlySet<string>
  /** The number of the last event that was sent; undefined: it is followed from now on. */
  lastSeq: number | undefined
  /** Ends its stream; undefined while it is not followed. */
  stream: AbortController | undefined
  /** Whether it was not live at the last look. A server announces its end before its stream has sent its last events. */
  isLeaving: boolean
}

const REFRESH_MS = 1_000
const RETRY_MS = 1_000
const READY_MS = 50

/** The live streams of all servers as one, each row with its server, until close(). */
export class MergedLive {
  readonly #options: LiveOptions
  readonly #reader: Watcher
  readonly #servers = new Map<string, Server>()
  readonly #timer: NodeJS.Timeout
  readonly #ownEnd = Promise.withResolvers<void>()
  #isClosed = false

  constructor(options: LiveOptions, reader: Watcher) {
    this.#options = options
    this.#reader = reader
    this.#refresh(false)
    this.#timer = setInterval(() => this.#refresh(true), REFRESH_MS).unref()
  }

  /** Resolves when the stream of this server has ended, because it stops, and its last events were sent; or when nobody follows it. */
  get ownEnded(): Promise<void> {
    return this.#ownEnd.promise
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#timer)
    for (const { stream } of this.#servers.values()) stream?.abort()
    this.#ownEnd.resolve()
  }

  #refresh(isLater: boolean): void {
    const { members, isHeard, server: wanted } = this.#options
    if (isLater && !isHeard()) return
    const live = Map.groupBy(members(), ({ adminUrl }) => adminUrl)
    for (const server of this.#servers.values()) if (!live.has(server.adminUrl)) this.#leave(server)
    for (const [adminUrl, [first, ...more]] of live) {
      if (first === undefined || (wanted !== undefined && first.name !== wanted)) continue
      const instances = new Set([first, ...more].map(({ instance }) => instance))
      const server = this.#servers.get(adminUrl) ?? this.#add(first, instances, isLater)
      // A server with workers goes on as long as one of them was there before. Any other that is not the same was started again.
      if (![...instances].some(instance => server.instances.has(instance))) {
        server.stream?.abort()
        server.stream = undefined
        server.lastSeq = 0
      }
      server.instances = instances
      server.isLeaving = false
      if (server.stream === undefined) void this.#follow(server, (server.stream = new AbortController()).signal)
    }
  }

  /** A server that comes later is shown from its first event on. */
  #add({ name, adminUrl }: Member, instances: ReadonlySet<string>, isLater: boolean): Server {
    const lastSeq = this.#options.after[name] ?? (isLater ? 0 : undefined)
    const server: Server = { name, adminUrl, instances, lastSeq, stream: undefined, isLeaving: false }
    this.#servers.set(adminUrl, server)
    return server
  }

  #leave(server: Server): void {
    if (server.isLeaving) {
      server.stream?.abort()
      server.stream = undefined
    }
    server.isLeaving = true
  }

  async #follow(server: Server, signal: AbortSignal): Promise<void> {
    const isOwn = server.instances.has(this.#options.self)
    let problem: string | undefined
    while (!signal.aborted) {
      try {
        await this.#read(server, signal, () => (problem = undefined))
      } catch (error) {
        if (signal.aborted) break
        const { message } = error as Error
        if (message !== problem) this.#report(server, message)
        problem = message
      }
      if (isOwn) this.#ownEnd.resolve()
      await sleep(RETRY_MS, undefined, { signal, ref: false }).catch(() => undefined)
    }
    if (isOwn) this.#ownEnd.resolve()
    if (problem === undefined) this.#report(server, 'it has gone')
  }

  async #read(server: Server, signal: AbortSignal, onOpen: () => void): Promise<void> {
    const { name, adminUrl } = server
    const { password, query } = this.#options
    const from = server.lastSeq === undefined ? '' : `&after=${server.lastSeq}`
    const response = await fetch(`${adminUrl}/api/stream?${query}${from}`, {
      headers: headersFor(name, password),
      redirect: 'error',
      signal
    }).catch((error: unknown) => {
      throw new Error(describeFetchFailure(adminUrl, error))
    })
    if (!response.ok || response.body === null) {
      await response.body?.cancel()
      throw new Error(`answered ${response.status}`)
    }
    onOpen()
    // A batch without a problem: this server is followed, possibly again.
    this.#send({ server: name, rows: [], skipped: 0, skippedFrom: 0 })
    for await (const { rows, skipped, skippedFrom } of readEventStream<Batch>(
      chunksOf(response.body),
      MAX_ANSWER_BYTES
    )) {
      while (!this.#reader.ready() && !signal.aborted) await sleep(READY_MS)
      if (signal.aborted) return
      server.lastSeq = rows.at(-1)?.seq ?? server.lastSeq
      this.#send({ server: name, rows: rows.map(row => ({ server: name, ...row })), skipped, skippedFrom })
    }
  }

  /** Tells the reader why there are no events of this server. */
  #report({ name }: Server, problem: string): void {
    this.#send({ server: name, rows: [], skipped: 0, skippedFrom: 0, problem })
  }

  #send(batch: Batch & { readonly server: string; readonly problem?: string }): void {
    // A reader that has gone takes nothing any more.
    if (!this.#isClosed) this.#reader.send(JSON.stringify(batch), undefined)
  }
}

async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch {
    throw new Error('its connection broke off')
  }
}
