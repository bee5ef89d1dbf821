import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { InjectOptions, LightMyRequestResponse as Response } from 'fastify'
import type { Logger } from 'pino'
import { pino } from 'pino'
import type { Test } from 'tap'
import type { App } from '../../src/app/compose.ts'
import { createApp } from '../../src/app/compose.ts'
import { readEnvironment } from '../../src/config/env/environment.ts'
import type { BufferPool } from '../../src/ingest/enrich/buffer-pool.ts'
import type { Clock } from '../../src/model/clock.ts'
import type { OutgoingRecord } from '../../src/model/record.ts'
import { lineOf } from '../../src/model/record.ts'
import type { Sink } from '../../src/model/sink.ts'
import type { MemorySink } from './memory-sink.ts'
import { createMemorySink } from './memory-sink.ts'
import { ownFolder } from './own-folder.ts'
import { recordFault } from './record-schemas.ts'
import { untilCalm } from './until.ts'

export const KEY = 'wk_test'
const NOW = Date.parse('2026-11-23T12:00:00.000Z')

export const CONFIG = `
sources:
  - id: web
    writeKeys: [${KEY}, wk_second]
  - id: off
    enabled: false
    writeKeys: [wk_off]
  - id: shop
    allowedOrigins: ['https://shop.example']
    writeKeys: [wk_shop]
  - id: slow
    rateLimit: { eventsPerSecond: 10 }
    writeKeys: [wk_slow]
`

export interface TestAppOptions {
  readonly env?: Record<string, string>
  readonly config?: string
  /** Default: a memory sink. `configured`: the sink that the environment names. */
  readonly sink?: Sink | 'configured'
  readonly clock?: Clock
  readonly bufferPool?: BufferPool
  /** Default: a silent logger. */
  readonly logger?: Logger
}

export interface TestApp {
  readonly app: App
  readonly sink: MemorySink
  /** `http://127.0.0.1:port` of the tracking API. */
  readonly url: string
  readonly adminUrl: string
  readonly dir: string
}

/** Starts the server as main.ts builds it, on free ports, with a fixed clock. Closes it when the test ends. */
export async function startApp(t: Test, options: TestAppOptions = {}): Promise<TestApp> {
  const dir = ownFolder(t)
  const file = join(dir, 'tributary.yml')
  writeFileSync(file, options.config ?? CONFIG)
  const config = readEnvironment({
    PORT: '0',
    ADMIN_PORT: '0',
    DATA_DIR: join(dir, 'data'),
    CONFIG_FILE: file,
    SHUTDOWN_GRACE: '100ms',
    ...options.env
  })
  const memory = checkedSink(t)
  const clock = options.clock ?? { now: () => NOW, monotonic: () => performance.now() }
  const given = {
    ...(options.sink === 'configured' ? {} : { sink: options.sink ?? memory }),
    ...(options.bufferPool === undefined ? {} : { bufferPool: options.bufferPool })
  }
  const app = await createApp({ config, logger: options.logger ?? pino({ level: 'silent' }), clock, ...given })
  t.teardown(() => app.close())
  const urls = await app.listen()
  return { app, sink: memory, url: urls.tracking, adminUrl: urls.admin, dir }
}

/** A memory sink that fails the test if a record does not match schemas/. */
function checkedSink(t: Test): MemorySink {
  const sink = createMemorySink()
  const { publish } = sink
  const faults: string[] = []
  t.teardown(() => {
    if (faults[0] !== undefined) throw new Error(faults[0])
  })
  return Object.assign(sink, {
    publish(records: readonly OutgoingRecord[]) {
      for (const record of records) faults.push(...[recordFault(record.kind, lineOf(record).toString())].filter(isText))
      return publish.call(sink, records)
    }
  })
}

const isText = (text: string | undefined): text is string => text !== undefined

export function basic(key: string = KEY): string {
  return `Basic ${Buffer.from(`${key}:`).toString('base64')}`
}

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly body: Record<string, unknown>
}

/** Posts JSON with a key, as an SDK would, and reads the JSON answer. */
export async function post(
  url: string,
  body: unknown,
  headers: Record<string, string> = { authorization: basic() }
): Promise<Answered> {
  const payload = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  const send = async (): Promise<Answered> => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: payload
    })
    return { status: response.status, headers: response.headers, body: (await response.json()) as Answered['body'] }
  }
  return await untilCalm(send, answered => answered.body['code'] === 'overloaded')
}

/** As `app.tracking.inject()`, until the server is not overloaded. */
export async function inject(app: App, request: InjectOptions): Promise<Response> {
  const isOverloaded = ({ statusCode, body }: Response): boolean => statusCode === 503 && body.includes('"overloaded"')
  return await untilCalm(() => app.tracking.inject(request), isOverloaded)
}

/** As `post`, and posts again after any other 503 too, as SDKs do. */
export async function postUntilTaken(...request: Parameters<typeof post>): Promise<Answered> {
  return await untilCalm(
    () => post(...request),
    ({ status }) => status === 503
  )
}
