import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ErrorCode } from '../../model/errors.ts'
import { DEFAULT_RETRY_AFTER_SECONDS, ERRORS, errorBody } from '../../model/errors.ts'
import { isLingering } from './linger.ts'
import { JSON_TYPE, sendError } from '../replies.ts'
import { afterPendingAnswers } from './unanswered.ts'

// An import of node:http would evaluate the getter of its export WebSocket, which adds 30 ms to the start.
const { METHODS, STATUS_CODES } = process.getBuiltinModule('node:http')

/** The error codes of Node and of its parser (llhttp), and the client's error code for each. */
const PARSER_ERRORS: Record<string, ErrorCode> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'headers_too_large'
}

/** Connections that are refused as soon as all requests before the fault are answered. */
const refusing = new WeakSet<Socket>()

/** How long a refused client may continue to send before its connection is closed. */
const MAX_LINGER_MS = 1_000

/**
 * Handles `clientError`: answers bytes that Node's HTTP parser refuses, in the contract's form.
 *
 * @param cors the value of Access-Control-Allow-Origin; undefined if it depends on the Origin, which is not known here
 */
export function createClientErrorHandler(cors: '*' | undefined) {
  return (error: NodeJS.ErrnoException, socket: Socket): void => {
    // The bytes after the fault cause further parser errors, which are ignored.
    if (refusing.has(socket) || (socket.writableEnded && !isLingering(socket))) return
    if (error.code === 'ECONNRESET' || !socket.writable || isLingering(socket)) {
      socket.destroy()
      return
    }
    refusing.add(socket)
    afterPendingAnswers(socket, () => {
      if (socket.writable) refuseConnection(socket, PARSER_ERRORS[error.code ?? ''] ?? 'bad_request', cors)
    })
  }
}

/** Answers and closes the connection, because after an invalid request the start of the next request is unknown. */
export function refuseConnection(socket: Socket, code: ErrorCode, cors: '*' | undefined): void {
  const { status, retryable } = ERRORS[code]
  const body = errorBody(code)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${JSON_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(cors === undefined ? [] : [`Access-Control-Allow-Origin: ${cors}`]),
    ...(retryable ? [`Retry-After: ${DEFAULT_RETRY_AFTER_SECONDS}`] : []),
    'Connection: close'
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  setTimeout(() => socket.destroy(), MAX_LINGER_MS).unref()
}

/** Answers an error that reached Fastify: an error of Fastify (a bad URL), or a bug of ours, which is answered 503. */
export function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const status = error.statusCode ?? 500
  if (status === 404) return void sendError(reply, 'not_found')
  if (status === 414) return void sendError(reply, 'uri_too_long')
  if (status >= 400 && status < 500) {
    return void sendError(reply, 'bad_request', error.code === 'FST_ERR_BAD_URL' ? 'the URL is not valid' : undefined)
  }
  request.log.error({ err: error }, 'a request failed; the client was told to try again')
  sendError(reply, 'internal_error')
}

/**
 * Makes Fastify accept every method that Node can parse, and read no body whatever the Content-Type is, because crafted
 * values of that header have bypassed validation before. A handler that needs the body reads it itself.
 */
export function acceptAllMethods(app: FastifyInstance): void {
  for (const method of METHODS) app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
}
