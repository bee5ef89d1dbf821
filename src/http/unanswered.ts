import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Requests of one connection that may wait for their answers at once. Few clients send a second one before the first. */
const MAX_UNANSWERED_REQUESTS = 100

const waiting = new WeakMap<Socket, Set<ServerResponse>>()
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
    if (responses === undefined) waiting.set(socket, (responses = new Set()))
    responses.add(response)
    response.on('close', forget)
    if (responses.size <= MAX_UNANSWERED_REQUESTS || flooded.has(socket)) return
    flooded.add(socket)
    refuse(socket)
  })
}

function forget(this: ServerResponse): void {
  waiting.get(this.req.socket)?.delete(this)
}

/** Whether the connection was ended by the bound above: what is still parsed from it is not to be looked at. */
export function isFlooded(socket: Socket): boolean {
  return flooded.has(socket)
}

/** Calls `act` once every request that came in whole on this connection has its answer: at once where all have. */
export function afterAnswers(socket: Socket, act: () => void): void {
  const last = [...(waiting.get(socket) ?? [])].findLast(({ req }) => req.complete)
  if (last === undefined) act()
  else last.once('close', act)
}
