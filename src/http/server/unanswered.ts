import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Requests of one connection that may be unanswered at once. Few clients send a second request before the first answer. */
const MAX_UNANSWERED_REQUESTS = 100

/**
 * Arrays, not sets: a long-lived set leaves a chain of old hash tables, and each table refers to the next one and to its
 * contents. Once one table is in V8's old space, a minor garbage collection frees no request of that connection any more.
 * That cost a fifth of the CPU time and a hundred megabytes, on some days and not on others.
 */
const waiting = new WeakMap<Socket, ServerResponse[]>()
const overLimit = new WeakSet<Socket>()

/**
 * Bounds the requests that a client may send on one connection before it reads the answers: Node hands over every request
 * that it can parse, however many are in flight.
 *
 * @param refuse ends the connection of a client that sends more
 */
export function limitPipelining(server: Server, refuse: (socket: Socket) => void): void {
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    let responses = waiting.get(socket)
    if (responses === undefined) waiting.set(socket, (responses = []))
    responses.push(response)
    response.on('close', forget)
    if (responses.length <= MAX_UNANSWERED_REQUESTS || overLimit.has(socket)) return
    overLimit.add(socket)
    refuse(socket)
  })
}

function forget(this: ServerResponse): void {
  const responses = waiting.get(this.req.socket) ?? []
  const at = responses.indexOf(this)
  if (at >= 0) responses.splice(at, 1)
}

/** Whether the bound above ended the connection: requests that are still parsed from it are ignored. */
export function isOverPipelineLimit(socket: Socket): boolean {
  return overLimit.has(socket)
}

/** Calls `act` when every complete request of this connection has its answer; at once if all have. */
export function afterPendingAnswers(socket: Socket, act: () => void): void {
  const last = (waiting.get(socket) ?? []).findLast(({ req }) => req.complete)
  if (last === undefined) act()
  else last.once('close', act)
}
