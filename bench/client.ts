/**
 * The load program, in its own process. It keeps `connections` busy with one request each, and every messageId is
 * unique. Gets a ClientJob from its parent, and sends back a ClientResult.
 */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import type { BodyTemplate } from './bodies.ts'
import { ID_DIGITS } from './bodies.ts'

export interface ClientJob {
  readonly port: number
  readonly path: string
  readonly body: { readonly bytes: string; readonly idOffsets: readonly number[]; readonly events: number }
  readonly gzip: boolean
  readonly connections: number
  readonly seconds: number
  /** Requested requests per second; 0: as many as the server accepts. */
  readonly rate: number
  readonly firstId: number
}

export interface ClientResult {
  readonly requests: number
  readonly events: number
  readonly errors: number
  readonly seconds: number
  readonly latenciesMs: { readonly p50: number; readonly p99: number; readonly p999: number }
}

/**
 * The start of each run, in which this program is slow because its code is new. Latencies of this time are not used.
 */
const WARM_MS = 1_000

process.on('message', (job: ClientJob) => {
  void run(job).then(result => process.send?.(result))
})

async function run(job: ClientJob): Promise<ClientResult> {
  const body: BodyTemplate = { ...job.body, bytes: Buffer.from(job.body.bytes, 'base64') }
  const state = { nextId: job.firstId, requests: 0, errors: 0, latencies: [] as number[] }
  const started = performance.now()
  const until = started + job.seconds * 1000
  const warmUntil = started + WARM_MS
  const interval = job.rate === 0 ? 0 : (job.connections / job.rate) * 1000
  const runs = Array.from({ length: job.connections }, (_, i) => {
    const first = started + (interval * i) / job.connections
    return new Connection(job, body, state).run({ until, warmUntil, interval, first })
  })
  await Promise.all(runs)
  const sorted = Float64Array.from(state.latencies).sort()
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return {
    requests: state.requests,
    events: (state.requests - state.errors) * body.events,
    errors: state.errors,
    seconds: (performance.now() - started) / 1000,
    latenciesMs: { p50: at(0.5), p99: at(0.99), p999: at(0.999) }
  }
}

interface State {
  nextId: number
  requests: number
  errors: number
  readonly latencies: number[]
}

class Connection {
  readonly #job: ClientJob
  readonly #body: BodyTemplate
  readonly #bytes: Buffer
  readonly #state: State
  readonly #head: string

  constructor(job: ClientJob, body: BodyTemplate, state: State) {
    this.#job = job
    this.#body = body
    this.#bytes = Buffer.from(body.bytes)
    this.#state = state
    const auth = Buffer.from('wk_bench:').toString('base64')
    const encoding = job.gzip ? 'content-encoding: gzip\r\n' : ''
    this.#head = `POST ${job.path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Basic ${auth}\r\ncontent-type: application/json\r\n${encoding}`
  }

  async run(plan: { until: number; warmUntil: number; interval: number; first: number }): Promise<void> {
    const socket = connect({ port: this.#job.port, host: '127.0.0.1', noDelay: true })
    let due = plan.first
    while (performance.now() < plan.until) {
      const early = due - performance.now()
      if (plan.interval > 0 && early > 1) await new Promise(resolve => setTimeout(resolve, early))
      // From the time when it was due, so that a server that stalls is charged for all requests that had to wait.
      const from = plan.interval > 0 ? due : performance.now()
      const status = await this.#request(socket)
      if (from >= plan.warmUntil) this.#state.latencies.push(performance.now() - from)
      this.#state.requests++
      if (status !== 200) this.#state.errors++
      due += plan.interval
    }
    socket.destroy()
  }

  #request(socket: Socket): Promise<number> {
    for (const offset of this.#body.idOffsets) {
      this.#bytes.write(String(this.#state.nextId++).padStart(ID_DIGITS, '0'), offset, 'latin1')
    }
    const payload = this.#job.gzip ? gzipSync(this.#bytes, { level: 1 }) : this.#bytes
    socket.cork()
    socket.write(`${this.#head}content-length: ${payload.length}\r\n\r\n`, 'latin1')
    socket.write(payload)
    socket.uncork()
    return new Promise((resolve, reject) => {
      let text = ''
      const onData = (chunk: Buffer): void => {
        text += chunk.toString('latin1')
        const end = text.indexOf('\r\n\r\n')
        if (end < 0) return
        const length = Number(/content-length: (\d+)/i.exec(text)?.[1])
        if (text.length < end + 4 + length) return
        socket.off('data', onData)
        socket.off('error', reject)
        resolve(Number(text.slice(9, 12)))
      }
      socket.on('data', onData)
      socket.once('error', reject)
    })
  }
}
