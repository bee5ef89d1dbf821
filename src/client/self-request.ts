import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { localAddress } from './address.ts'
import { basicAuthorization } from './authorization.ts'

// Not imported, for the reason given in http/server/errors.ts.
const { request: requestHttp } = process.getBuiltinModule('node:http')
const { request: requestHttps } = process.getBuiltinModule('node:https')

export interface SelfRequest {
  /** Path, such as `/v1/track`. */
  readonly path: string
  readonly writeKey: string
  readonly body: object
}

const { isWorker } = process.getBuiltinModule('node:cluster') as unknown as { readonly isWorker: boolean }

const TIMEOUT_MS = 10_000

/** Sends the request without a connection: all workers share one port, so another worker could answer. */
async function injectToSelf(app: FastifyInstance, { path, writeKey, body }: SelfRequest) {
  const answer = await app.inject({
    method: 'POST',
    url: path,
    headers: { authorization: basicAuthorization(writeKey), host: 'localhost' },
    payload: body
  })
  return { status: answer.statusCode, body: answer.payload }
}

/**
 * Posts to the server's own listener over a real connection, as an SDK on this machine would. Rejects if the listener is not
 * bound or does not answer in time.
 */
export function postToSelf(app: FastifyInstance, sent: SelfRequest): Promise<{ status: number; body: string }> {
  if (isWorker) return injectToSelf(app, sent)
  const { address, port } = app.server.address() as AddressInfo
  const isTls = 'setSecureContext' in app.server
  const options = {
    host: localAddress(address),
    port,
    path: sent.path,
    method: 'POST',
    timeout: TIMEOUT_MS,
    headers: {
      authorization: basicAuthorization(sent.writeKey),
      'content-type': 'application/json'
    }
  }
  return new Promise((resolve, reject) => {
    // The certificate is for the public name, and the connection stays on this machine.
    const request = isTls ? requestHttps({ ...options, rejectUnauthorized: false }) : requestHttp(options)
    request.on('error', reject)
    request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)))
    request.on('response', response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }))
    })
    request.end(JSON.stringify(sent.body))
  })
}
