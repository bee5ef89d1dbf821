import { setTimeout as sleep } from 'node:timers/promises'
import type { Member } from '../members/member-list.ts'
import { MAX_ANSWER_BYTES } from '../workers/messages.ts'
import { headersFor } from './ask.ts'

/** A reader of the live rows, as the live stream of one server has it. */
export interface LiveReader {
  /** False while earlier rows are unsent. */
  ready(): boolean
  send(json: string, lastSeq: undefined): void
  end(): void
}

export interface LiveOptions {
  /** Live ones, this server included. */
  readonly members: () => readonly Member[]
  /** The instance of this server. */
  readonly self: string
  readonly password: string | undefined
  /** Filters, as in a URL. */
  readonly query: string
  /** By server, the number of the last event that the reader has. A server that is missing is followed from now on. */
  readonly after: Readonly<Record<string, number>>
}

/** What a server's live stream says of some events. */
interface Batch {
  readonly rows: readonly { readonly seq: number }[]
  readonly skipped: number
}

const LOOK_MS = 1_000
const AGAIN_MS = 1_000
const READY_MS = 50

/** The live streams of all servers as one, each row with its server, until close(). */
export class MergedLive {
  readonly #options: LiveOptions
  readonly #reader: LiveReader
  readonly #streams = new Map<string, AbortController>()
  /** Instances that were not live at the last look. A server that stops says so before its stream tells its last events. */
  readonly #leaving = new Set<string>()
  /** By instance, the number of the last event that was told. */
  readonly #told = new Map<string, number>()
  readonly #timer: NodeJS.Timeout
  readonly #ownEnd = Promise.withResolvers<void>()
  #isClosed = false

  constructor(options: LiveOptions, reader: LiveReader) {
    this.#options = options
    this.#reader = reader
    for (const { instance, name } of options.members()) {
      const after = options.after[name]
      if (after !== undefined) this.#told.set(instance, after)
    }
    this.#look(false)
    this.#timer = setInterval(() => this.#look(true), LOOK_MS).unref()
  }

  /** Resolves when the stream of this server has ended, because it stops, and the reader was told its last events. */
  get ownEnded(): Promise<void> {
    return this.#ownEnd.promise
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#timer)
    for (const stream of this.#streams.values()) stream.abort()
  }

  /** A server that came later is shown from its first event on. */
  #look(isLater: boolean): void {
    const members = this.#options.members()
    const live = new Set(members.map(({ instance }) => instance))
    for (const [instance, stream] of this.#streams) {
      if (live.has(instance)) this.#leaving.delete(instance)
      else if (!this.#leaving.has(instance)) this.#leaving.add(instance)
      else {
        stream.abort()
        this.#streams.delete(instance)
        this.#leaving.delete(instance)
      }
    }
    for (const member of members) {
      const { instance } = member
      if (this.#streams.has(instance)) continue
      if (isLater && !this.#told.has(instance)) this.#told.set(instance, 0)
      const stream = new AbortController()
      this.#streams.set(instance, stream)
      void this.#follow(member, stream.signal)
    }
  }

  async #follow(member: Member, signal: AbortSignal): Promise<void> {
    let problem: string | undefined
    while (!signal.aborted) {
      try {
        await this.#read(member, signal, () => (problem = undefined))
      } catch (error) {
        if (signal.aborted) break
        const { message } = error as Error
        if (message !== problem) this.#name(member, message)
        problem = message
      }
      if (member.instance === this.#options.self) this.#ownEnd.resolve()
      await sleep(AGAIN_MS, undefined, { signal, ref: false }).catch(() => undefined)
    }
    if (problem === undefined) this.#name(member, 'it has gone')
  }

  async #read({ name, instance, adminUrl }: Member, signal: AbortSignal, onOpen: () => void): Promise<void> {
    const { password, query } = this.#options
    const after = this.#told.get(instance)
    const from = after === undefined ? '' : `&after=${after}`
    const response = await fetch(`${adminUrl}/api/stream?${query}${from}`, {
      headers: headersFor(name, password),
      redirect: 'error',
      signal
    }).catch(() => {
      throw new Error(`${adminUrl} cannot be reached`)
    })
    if (!response.ok || response.body === null) throw new Error(`answered ${response.status}`)
    onOpen()
    for await (const { rows, skipped } of batchesOf(response.body)) {
      while (!this.#reader.ready() && !signal.aborted) await sleep(READY_MS)
      if (signal.aborted) return
      const last = rows.at(-1)
      if (last !== undefined) this.#told.set(instance, last.seq)
      this.#send({ server: name, rows: rows.map(row => ({ server: name, ...row })), skipped })
    }
  }

  /** Says why there are no events of this server. */
  #name({ name }: Member, problem: string): void {
    this.#send({ server: name, rows: [], skipped: 0, problem })
  }

  #send(batch: Batch & { readonly server: string; readonly problem?: string }): void {
    // A reader that has gone takes nothing any more.
    if (!this.#isClosed) this.#reader.send(JSON.stringify({ ...batch, skippedFrom: 0 }), undefined)
  }
}

/** The data of server-sent events. */
async function* batchesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Batch> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of chunksOf(body)) {
    text += decoder.decode(chunk, { stream: true })
    const messages = text.split('\n\n')
    text = messages.pop() ?? ''
    if (text.length > MAX_ANSWER_BYTES) throw new Error('its events are too large')
    for (const message of messages) {
      const data = /^data: (.*)$/m.exec(message)?.[1]
      if (data !== undefined) yield JSON.parse(data) as Batch
    }
  }
}

async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } catch {
    throw new Error('its connection broke off')
  }
}
