import { setTimeout as sleep } from 'node:timers/promises'
import { readEventStream } from '../../client/event-stream.ts'
import type { LiveBatch } from '../../debugger/live/live.ts'
import { ServerUnreachable } from '../admin-client.ts'
import type { AdminClient } from '../admin-client.ts'
import type { Terminal } from '../command.ts'
import { CommandFailed } from '../command.ts'
import type { Row } from './format-row.ts'

/** Of `/api/events`. */
export interface Listed {
  /** Newest first. */
  readonly events: readonly Row[]
  /** The number of the newest event; of a fleet by server. */
  readonly newest: number | Readonly<Record<string, number>>
}

export interface Batch extends Omit<LiveBatch, 'rows'> {
  readonly rows: readonly Row[]
  /** Of a fleet: whose rows these are, and why there are none. */
  readonly server?: string
  readonly problem?: string
}

/** Where in the stream a reader is. */
interface Cursor {
  /** How many of the newest events compare() looks at. */
  readonly limit: number
  /** For the URL. */
  text(): string
  took(rows: readonly Row[]): void
  /** A server that was started again counts from the beginning, so its events are asked for from there. */
  compare(listed: Listed): void
}

const RECONNECT_MS = 1_000

export interface Begin {
  readonly query: string
  /** '' or '&scope=fleet'. */
  readonly scope: string
  /** What was there at the beginning. */
  readonly listed: Listed
  readonly terminal: Terminal
}

/** The live batches, for ever: a server that goes away is waited for. */
export async function* follow(client: AdminClient, begin: Begin): AsyncGenerator<Batch> {
  const { query, scope, listed, terminal } = begin
  const cursor = typeof listed.newest === 'number' ? serverCursor(listed) : fleetCursor(listed.newest)
  let isAway = false
  for (;;) {
    try {
      if (isAway)
        cursor.compare((await (await client.get(`/api/events?limit=${cursor.limit}${scope}`)).json()) as Listed)
      const stream = await client.get(`/api/stream?${query}${scope}&after=${cursor.text()}`)
      if (isAway) terminal.note('(the server is back)')
      isAway = false
      for await (const batch of readEventStream<Batch>(stream.body as ReadableStream<Uint8Array>)) {
        cursor.took(batch.rows)
        yield batch
      }
    } catch (error) {
      if (error instanceof CommandFailed && !(error instanceof ServerUnreachable)) throw error
    }
    if (!isAway) terminal.note('(the server has gone; waiting for it)')
    isAway = true
    await sleep(RECONNECT_MS)
  }
}

function serverCursor({ events, newest }: Listed): Cursor {
  let [last] = events
  let after = newest as number
  return {
    limit: 1000,
    text: () => String(after),
    took(rows) {
      last = rows.at(-1) ?? last
      after = Math.max(after, last?.seq ?? 0)
    },
    compare({ events: now, newest: newestNow }) {
      const known = now.find(({ seq }) => seq === last?.seq)
      const isSame = (newestNow as number) >= after && (known === undefined || known.messageId === last?.messageId)
      if (isSame) return
      after = 0
      last = undefined
    }
  }
}

function fleetCursor(newest: Readonly<Record<string, number>>): Cursor {
  const after = new Map(Object.entries(newest))
  return {
    limit: 1,
    text: () => encodeURIComponent(JSON.stringify(Object.fromEntries(after))),
    took(rows) {
      for (const { server = '', seq } of rows) after.set(server, seq)
    },
    compare({ newest: newestNow }) {
      for (const [server, number] of Object.entries(newestNow)) {
        if (number < (after.get(server) ?? 0)) after.set(server, 0)
      }
    }
  }
}
