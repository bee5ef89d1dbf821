import { request as sendRequest } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { Test } from 'tap'
import { basic } from './app.ts'
import { assertAnswerMatchesContract } from './contract-answers.ts'
import { untilCalm } from './until.ts'

export interface Ask {
  readonly method?: string
  readonly headers?: Record<string, string>
  /** Default: Basic with the test key; null: no header. */
  readonly authorization?: string | null
  readonly body?: string | Buffer
  /** Sends the body in chunks of this size, without a Content-Length. */
  readonly chunkBytes?: number
}

export interface JsonAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly body: Record<string, unknown>
}

/**
 * Sends one request, and fails `t` if the answer is not JSON as in the contract. Repeats it while the server is overloaded,
 * because a busy machine really overloads it.
 */
export async function ask(t: Test, url: string, options: Ask = {}): Promise<JsonAnswer> {
  return await untilCalm(
    () => askOnce(t, url, options),
    answer => answer.body['code'] === 'overloaded'
  )
}

/** As `ask`, also where the answer is that the server is overloaded. */
export async function askOnce(t: Test, url: string, options: Ask = {}): Promise<JsonAnswer> {
  const { method = 'POST', authorization = basic(), body = '' } = options
  const bytes = Buffer.from(body)
  const headers: Record<string, string> = { ...options.headers }
  if (authorization !== null) headers['authorization'] = authorization
  if (options.chunkBytes === undefined) headers['content-length'] = String(bytes.length)
  const {
    status,
    headers: answered,
    text
  } = await new Promise<Omit<JsonAnswer, 'body'>>((resolve, reject) => {
    const request = sendRequest(url, { method, headers }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const entries = Object.entries(response.headers).map(([name, value]) => [name, String(value)])
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(entries),
          text: Buffer.concat(chunks).toString()
        })
      })
    })
    request.on('error', reject)
    const step = options.chunkBytes ?? bytes.length
    for (let at = 0; at < bytes.length; at += step) request.write(bytes.subarray(at, at + step))
    request.end()
  })
  const { pathname, search } = new URL(url)
  assertAnswerMatchesContract(t, { method, path: pathname + search, status, headers: answered, body: text })
  return { status, headers: answered, text, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) }
}

/** A TCP connection to write what no HTTP client would write, and to read the answers. */
export interface RawConnection {
  readonly socket: Socket
  write(bytes: string | Buffer): Promise<void>
  /** The next complete answer; rejects if the connection ends before it. */
  answer(): Promise<JsonAnswer>
  /** Resolves when the connection has ended: 'reset', or 'closed' if it ended normally. */
  readonly gone: Promise<'closed' | 'reset'>
}

export async function connectRaw(t: Test, url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  t.teardown(() => socket.destroy())
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
  let seen = Buffer.alloc(0)
  let wake = (): void => undefined
  let failure: Error | undefined
  const gone = new Promise<'closed' | 'reset'>(resolve => {
    socket.on('error', error => (failure = error))
    socket.on('close', () => {
      failure ??= new Error('the connection was closed without an answer')
      wake()
      resolve('code' in failure && failure.code === 'ECONNRESET' ? 'reset' : 'closed')
    })
  })
  socket.on('data', (chunk: Buffer) => {
    seen = Buffer.concat([seen, chunk])
    wake()
  })
  return {
    socket,
    gone,
    write: bytes => new Promise(resolve => void socket.write(bytes, () => resolve())),
    async answer() {
      for (;;) {
        const parsed = parseAnswer(seen)
        if (parsed !== undefined) {
          seen = seen.subarray(parsed.length)
          return parsed.answer
        }
        if (failure !== undefined) throw failure
        await new Promise<void>(resolve => (wake = resolve))
      }
    }
  }
}

function parseAnswer(bytes: Buffer): { readonly answer: JsonAnswer; readonly length: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const [start = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n')
  const headers = Object.fromEntries(
    lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()])
  )
  const length = headEnd + 4 + Number(headers['content-length'] ?? 0)
  if (bytes.length < length) return undefined
  const text = bytes.toString('utf8', headEnd + 4, length)
  const status = Number(start.split(' ')[1])
  return {
    answer: { status, headers, text, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) },
    length
  }
}

/** The head of a POST with the test key, ready for a body. */
export function head(path: string, headers: Record<string, string | number> = {}): string {
  const lines = Object.entries({ host: 'test', authorization: basic(), ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`
  )
  return `POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** One chunk of a chunked body. */
export function chunk(bytes: Buffer | string): Buffer {
  const data = Buffer.from(bytes)
  return Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')])
}
