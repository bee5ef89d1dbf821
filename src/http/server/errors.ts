import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ErrorCode } from '../../model/errors.ts'
import { DEFAULT_RETRY_AFTER_SECONDS, ERRORS, errorBody } from '../../model/errors.ts'
import { isLingering } from './linger.ts'
import { JSON_TYPE, sendError } from '../replies.ts'
import { afterAnswers } from './unanswered.ts'

// An import of node:http would load Node's WebSocket too, whose getter is among its exports: 30 ms of a start.
const { METHODS, STATUS_CODES } = process.getBuiltinModule('node:http')

/** Node's and its parser's own error codes (llhttp), by what they mean for the client. */
const PARSER_ERRORS: Record<string, ErrorCode> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'headers_too_large'
}

/** Connections that are to be refused as soon as what came before the fault is answered. */
const refusing = new WeakSet<Socket>()

/** How long a refused client may go on sending until its connection is closed on it. */
const MAX_LINGER_MS = 1_000

/**
 * Answers what Node's HTTP parser refuses before there is a request, in the contract's form too.
 *
 * @param cors the value of Access-Control-Allow-Origin; undefined where it depends on an Origin that we do not know
 */
export function createClientErrorHandler(cors: '*' | undefined) {
  return (error: NodeJS.ErrnoException, socket: Socket): void => {
    // What comes in behind the fault makes the parser complain again: it is only to be read.
    if (refusing.has(socket) || (socket.writableEnded && !isLingering(socket))) return
    if (error.code === 'ECONNRESET' || !socket.writable || isLingering(socket)) {
      socket.destroy()
      return
    }
    refusing.add(socket)
    afterAnswers(socket, () => {
      if (socket.writable) refuseConnection(socket, PARSER_ERRORS[error.code ?? ''] ?? 'bad_request', cors)
    })
  }
}

/** Answers and closes: nothing behind a broken request can be trusted to be where it seems. */
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

/** An error that reached Fastify: its own (a bad URL, say), or a bug of ours, which the client may only know as 503. */
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
 * Makes Fastify take every method that Node can parse, and read no body of any, whatever its Content-Type says: tricks
 * with that header have skipped validation before. Who wants a body reads it themselves.
 */
export function knowAllMethods(app: FastifyInstance): void {
  for (const method of METHODS) app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
}
