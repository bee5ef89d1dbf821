import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Requests of one connection that may wait for their answers at once. Few clients send a second one before the first. */
const MAX_UNANSWERED_REQUESTS = 100

/**
 * In arrays, not sets: a set that is used for long leaves a trail of old tables, each of which holds the next one and
 * what was in it. Once one of them lies in V8's old space, no request of its connection is freed by a small collection
 * of garbage any more: a fifth of all CPU, and a hundred megabytes, on some days and not on others.
 */
const waiting = new WeakMap<Socket, ServerResponse[]>()
const flooded = new WeakSet<Socket>()

/**
 * Bounds how many requests a client may send on one connection before it reads their answers: Node hands over every
 * request that it can parse, however many are under way.
 *
 * @param refuse ends the connection of who sends more
 */
export function boundPipelining(server: Server, refuse: (socket: Socket) => void): void {
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    let responses = waiting.get(socket)
    if (responses === undefined) waiting.set(socket, (responses = []))
    responses.push(response)
    response.on('close', forget)
    if (responses.length <= MAX_UNANSWERED_REQUESTS || flooded.has(socket)) return
    flooded.add(socket)
    refuse(socket)
  })
}

function forget(this: ServerResponse): void {
  const responses = waiting.get(this.req.socket) ?? []
  const at = responses.indexOf(this)
  if (at >= 0) responses.splice(at, 1)
}

/** Whether the connection was ended by the bound above: what is still parsed from it is not to be looked at. */
export function isFlooded(socket: Socket): boolean {
  return flooded.has(socket)
}

/** Calls `act` once every request that came in whole on this connection has its answer: at once where all have. */
export function afterAnswers(socket: Socket, act: () => void): void {
  const last = (waiting.get(socket) ?? []).findLast(({ req }) => req.complete)
  if (last === undefined) act()
  else last.once('close', act)
}
