/** Exits 0 when the server in this container can make events durable: the image's health check. */
import { get as getHttp } from 'node:http'
import { get as getHttps } from 'node:https'

const TIMEOUT_MS = 2_500
const ANY_ADDRESS = new Set(['0.0.0.0', '::'])

const { ADMIN_HOST = '127.0.0.1', ADMIN_PORT = '3001', TLS_CERT } = process.env
const options = {
  host: ANY_ADDRESS.has(ADMIN_HOST) ? '127.0.0.1' : ADMIN_HOST,
  port: ADMIN_PORT,
  path: '/readyz',
  timeout: TIMEOUT_MS
}

// The certificate is made for the public name, which is not what this asks for, and the way is inside the container.
const request = TLS_CERT ? getHttps({ ...options, rejectUnauthorized: false }) : getHttp(options)
request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)))
request.on('error', error => {
  console.error(error.message)
  process.exitCode = 1
})
request.on('response', response => {
  process.exitCode = response.statusCode === 200 ? 0 : 1
  response.pipe(process.stdout)
})
