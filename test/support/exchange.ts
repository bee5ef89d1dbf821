import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Ends the connection with a RST. */
export const RESET = Symbol('reset')
/** Says that nothing more will be sent, and goes on reading. */
export const HALF_CLOSE = Symbol('half-close')

/** What is written to a connection: bytes at once, a pause in milliseconds, or the end of it. */
export type Step = string | Buffer | number | typeof RESET | typeof HALF_CLOSE

export interface RawAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface Exchange {
  readonly answers: readonly RawAnswer[]
  /** How the connection stood at the end: we waited no longer, the server closed it, or reset it. */
  readonly end: 'open' | 'closed' | 'reset'
  readonly milliseconds: number
}

export interface ExchangeOptions {
  readonly url: string
  readonly steps: readonly Step[]
  /** So many answers are waited for; 0: until the connection ends. */
  readonly answers?: number
  /** The request is a HEAD: its answer has no body. */
  readonly isHead?: boolean
  readonly timeoutMs: number
}

/**
 * Writes bytes to a connection of its own, as no HTTP client would, and reads what comes back, until there are answers
 * enough, the connection ends, or the time is over. Strings are bytes (latin1). An answer that announces the end of
 * the connection is waited for until that has come. Never rejects but where the port is closed.
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
    const isLast = parsed.at(-1)?.headers['connection'] === 'close'
    if (end !== 'open' || performance.now() - started >= timeoutMs) break
    if (wanted > 0 && parsed.length >= wanted && !isLast) break
    await new Promise<void>(resolve => (wake = resolve))
  }
  clearTimeout(timer)
  socket.destroy()
  if (refused !== undefined) throw refused
  return { answers: parsed, end, milliseconds: performance.now() - started }
}

/** The whole answers in `bytes`; interim ones (100 Continue) are passed over. */
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
