import type { FastifyReply } from 'fastify'
import type { Matcher } from './filter.ts'
import type { LiveBatch, LiveFeed } from './live.ts'

/** What may be on its way to a slow reader, in bytes; beyond that it is told nothing until it has caught up. */
const MAX_UNSENT_BYTES = 256 * 1024
/** A comment so often keeps proxies from closing a stream in which nothing happens. */
const HEARTBEAT_MS = 15_000
const RETRY_MS = 1_000

/**
 * Answers with a stream of server-sent events: `events` carries a LiveBatch as JSON. Its id is the seq of the last row,
 * so that a browser that reconnects goes on where it was.
 */
export function openEventStream(
  reply: FastifyReply,
  { live, matches, from }: { readonly live: LiveFeed; readonly matches: Matcher; readonly from: number }
): void {
  const { raw } = reply
  const tell = (batch: LiveBatch): void => {
    const id = batch.rows.at(-1)?.seq
    raw.write(`event: events\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(batch)}\n\n`)
  }
  let stop: () => void
  try {
    const ready = (): boolean => raw.writableLength < MAX_UNSENT_BYTES
    stop = live.watch({ matches, tell, ready, end: () => raw.end() }, from)
  } catch (error) {
    reply.code(503).send({ success: false, message: (error as Error).message, code: 'too_many_watching' })
    return
  }
  reply.hijack()
  raw.writeHead(200, {
    ...(reply.getHeaders() as Record<string, string>),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no'
  })
  raw.write(`retry: ${RETRY_MS}\n\n`)
  const heartbeat = setInterval(() => raw.write(': still here\n\n'), HEARTBEAT_MS).unref()
  raw.on('close', () => {
    clearInterval(heartbeat)
    stop()
  })
}
