import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Matcher } from '../ring/filter.ts'
import type { LiveFeed } from './live.ts'
import { errorAnswer } from '../query.ts'

/** The most unsent bytes for a slow reader. Beyond it, nothing is written until the reader has caught up. */
const MAX_UNSENT_BYTES = 256 * 1024
/** A comment is sent at this interval, so that proxies do not close an idle stream. */
const HEARTBEAT_MS = 15_000
const RETRY_MS = 1_000

/** A reader that reads nothing for so many heartbeats is disconnected, because it is gone or takes the place of others. */
const MAX_STALLED_HEARTBEATS = 8

/**
 * Answers with a stream of server-sent events. Each `events` event has a LiveBatch as JSON. Its id is the seq of the last row,
 * so that a browser that reconnects continues there. A HEAD gets only the head, and subscribes to nothing.
 */
export function openEventStream(
  request: FastifyRequest,
  reply: FastifyReply,
  { live, matches, from }: { readonly live: Pick<LiveFeed, 'watch'>; readonly matches: Matcher; readonly from: number }
): void {
  const { raw } = reply
  reply.type('text/event-stream; charset=utf-8').headers({
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
    // A stream ends when the server stops. A client that kept its connection would hold up the stop.
    connection: 'close'
  })
  if (request.method === 'HEAD') {
    reply.send()
    return
  }
  const send = (json: string, lastSeq: number | undefined): void => {
    raw.write(`event: events\n${lastSeq === undefined ? '' : `id: ${lastSeq}\n`}data: ${json}\n\n`)
  }
  const ready = (): boolean => raw.writableLength < MAX_UNSENT_BYTES
  let stop: () => void
  try {
    stop = live.watch({ matches, send, ready, end: () => raw.end() }, from)
  } catch (error) {
    reply.code(503).header('retry-after', '1').type('application/json; charset=utf-8')
    reply.send(errorAnswer('too_many_watching', (error as Error).message))
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
