import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { createServer, request as sendRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { basic } from '../app.ts'
import type { Trouble } from './run.ts'

/** One request that went through a gate. */
export interface Passed {
  readonly method: string
  readonly path: string
  readonly status: number
}

export interface GateOptions {
  /** The server behind it. */
  readonly url: string
  /** Called before a POST is forwarded that must get a 503. Makes the server unable to store it. */
  readonly failNext: () => void
  /** The key of a source over its rate, for a POST that must get a 429. */
  readonly drainedKey: string
  /**
   * The answers that the first POSTs are to get, in order. One that did not happen is tried again with the next POST.
   */
  readonly troubles: readonly Trouble[]
}

export interface Gate {
  /** `http://127.0.0.1:port`, the URL for the SDK. */
  readonly url: string
  readonly passed: readonly Passed[]
}

/**
 * A proxy between an SDK and the real server. It changes nothing, but first puts the server into trouble: the server
 * cannot store the events of a POST (503), or a POST is over a rate (429). The answers are the server's own, with all
 * their headers.
 */
export async function openGate(t: Test, options: GateOptions): Promise<Gate> {
  const passed: Passed[] = []
  const troubles = [...options.troubles]
  const server = createServer((request, response) => {
    const trouble = request.method === 'POST' ? troubles.shift() : undefined
    const headers = { ...request.headers }
    if (trouble === 503) options.failNext()
    if (trouble === 429) headers['authorization'] = basic(options.drainedKey)
    const finish = (status: number): void => {
      passed.push({ method: request.method ?? '', path: request.url ?? '', status })
      // A busy machine really overloads the server.
      if (trouble !== undefined && status !== trouble) troubles.push(trouble)
    }
    pass(options.url, { request, response, headers }).then(finish, () => response.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, passed }
}

/** Forwards one request with its own Host header, so that the server names the gate when it names itself. */
function pass(
  url: string,
  to: { request: IncomingMessage; response: ServerResponse; headers: IncomingHttpHeaders }
): Promise<number> {
  const { request, response, headers } = to
  return new Promise((resolve, reject) => {
    const onward = sendRequest(url + request.url, { method: request.method, headers }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      answer.pipe(response)
      answer.on('error', reject)
      answer.on('end', () => resolve(answer.statusCode ?? 0))
    })
    onward.on('error', reject)
    request.pipe(onward)
  })
}
