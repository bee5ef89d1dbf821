import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Matcher } from '../ring/filter.ts'
import type { LiveFeed } from './live.ts'
import { fail } from '../query.ts'

/** What may be on its way to a slow reader, in bytes; beyond that it is told nothing until it has caught up. */
const MAX_UNSENT_BYTES = 256 * 1024
/** A comment so often keeps proxies from closing a stream in which nothing happens. */
const HEARTBEAT_MS = 15_000
const RETRY_MS = 1_000

/** A reader that takes nothing for so many heartbeats has gone, or keeps a place that others wait for. */
const MAX_STALLED_HEARTBEATS = 8

/**
 * Answers with a stream of server-sent events: `events` carries a LiveBatch as JSON. Its id is the seq of the last row,
 * so that a browser that reconnects goes on where it was. A HEAD gets the head alone, and watches nothing.
 */
export function openEventStream(
  request: FastifyRequest,
  reply: FastifyReply,
  { live, matches, from }: { readonly live: LiveFeed; readonly matches: Matcher; readonly from: number }
): void {
  const { raw } = reply
  reply.type('text/event-stream; charset=utf-8').headers({ 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
  if (request.method === 'HEAD') {
    reply.send()
    return
  }
  const tell = (json: string, lastSeq: number | undefined): void => {
    raw.write(`event: events\n${lastSeq === undefined ? '' : `id: ${lastSeq}\n`}data: ${json}\n\n`)
  }
  const ready = (): boolean => raw.writableLength < MAX_UNSENT_BYTES
  let stop: () => void
  try {
    stop = live.watch({ matches, tell, ready, end: () => raw.end() }, from)
  } catch (error) {
    reply.code(503).header('retry-after', '1').type('application/json; charset=utf-8')
    reply.send(fail('too_many_watching', (error as Error).message))
    return
  }
  reply.hijack()
  raw.writeHead(200, reply.getHeaders() as Record<string, string>)
  raw.write(`retry: ${RETRY_MS}\n\n`)
  let stalled = 0
  const heartbeat = setInterval(() => {
    stalled = raw.writableLength === 0 ? 0 : stalled + 1
    if (stalled > MAX_STALLED_HEARTBEATS) raw.destroy()
    else raw.write(': still here\n\n')
  }, HEARTBEAT_MS).unref()
  raw.on('close', () => {
    clearInterval(heartbeat)
    stop()
  })
}
