import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Ends the connection with a RST. */
export const RESET = Symbol('reset')
/** Sends nothing more, and continues to read. */
export const HALF_CLOSE = Symbol('half-close')

/** What to do with a connection: write bytes, pause for some milliseconds, or end it. */
export type Step = string | Buffer | number | typeof RESET | typeof HALF_CLOSE

export interface RawAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface Exchange {
  readonly answers: readonly RawAnswer[]
  /** The state of the connection at the end: still open, or closed or reset by the server. */
  readonly end: 'open' | 'closed' | 'reset'
  readonly milliseconds: number
}

export interface ExchangeOptions {
  readonly url: string
  readonly steps: readonly Step[]
  /** The number of answers to wait for; 0: wait until the connection ends. */
  readonly answers?: number
  /** The request is a HEAD: its answer has no body. */
  readonly isHead?: boolean
  readonly timeoutMs: number
}

/**
 * Writes bytes to a new connection, as no HTTP client would, and reads until there are enough answers, the connection
 * ends, or the time is over. Strings are bytes (latin1). After an answer that announces the end of the connection,
 * waits for that end, unless the answer is a stream of events, which has none. Rejects only if the port is closed.
 */
export async function exchange(options: ExchangeOptions): Promise<Exchange> {
  const { url, steps, answers: wanted = 1, isHead = false, timeoutMs } = options
  const { hostname, port } = new URL(url)
  const started = performance.now()
  const socket = connect({ host: hostname, port: Number(port), noDelay: true, allowHalfOpen: true })
  let seen = Buffer.alloc(0)
  let end: Exchange['end'] = 'open'
  let refused: Error | undefined
  let wake = (): void => undefined
  const over = (how: Exchange['end']): void => {
    if (end === 'open') end = how
    wake()
  }
  socket.on('data', (chunk: Buffer) => {
    seen = Buffer.concat([seen, chunk])
    wake()
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNREFUSED') refused = error
    over('reset')
  })
  socket.on('end', () => over('closed'))
  socket.on('close', () => over('closed'))

  void (async () => {
    for (const step of steps) {
      if (socket.destroyed) return
      if (typeof step === 'number') await sleep(step)
      else if (step === RESET) socket.resetAndDestroy()
      else if (step === HALF_CLOSE) socket.end()
      else socket.write(typeof step === 'string' ? Buffer.from(step, 'latin1') : step)
    }
  })()

  const timer = setTimeout(() => wake(), timeoutMs)
  let parsed = parseAnswers(seen, isHead)
  for (;;) {
    parsed = parseAnswers(seen, isHead)
    const last = parsed.at(-1)?.headers ?? {}
    const isLast = last['connection'] === 'close' && !isEndless(last)
    if (end !== 'open' || performance.now() - started >= timeoutMs) break
    if (wanted > 0 && parsed.length >= wanted && !isLast) break
    await new Promise<void>(resolve => (wake = resolve))
  }
  clearTimeout(timer)
  socket.destroy()
  if (refused !== undefined) throw refused
  return { answers: parsed, end, milliseconds: performance.now() - started }
}

function isEndless(headers: RawAnswer['headers']): boolean {
  return headers['content-type']?.startsWith('text/event-stream') === true
}

/** The complete answers in `bytes`, without interim ones (100 Continue). */
function parseAnswers(bytes: Buffer, isHead: boolean): RawAnswer[] {
  const answers: RawAnswer[] = []
  let at = 0
  for (;;) {
    const headEnd = bytes.indexOf('\r\n\r\n', at)
    if (headEnd < 0) return answers
    const [start = '', ...lines] = bytes.toString('latin1', at, headEnd).split('\r\n')
    const headers = Object.fromEntries(
      lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()])
    )
    const status = Number(/^HTTP\/1\.[01] (\d{3}) /.exec(start)?.[1] ?? Number.NaN)
    const length = isHead ? 0 : Number(headers['content-length'] ?? 0)
    const bodyStart = headEnd + 4
    if (bytes.length < bodyStart + length) return answers
    if (!(status >= 100 && status < 200)) {
      answers.push({ status, headers, body: bytes.subarray(bodyStart, bodyStart + length) })
    }
    at = bodyStart + length
  }
}
