import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'
import protobuf from 'protobufjs'
import type { Test } from 'tap'
import { until } from './until.ts'

/** The messages of opentelemetry-proto 1.x (collector/trace/v1 and what it imports) that the tests look at. */
const PROTO = `
syntax = "proto3";
message Request { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeSpans { repeated Span spans = 2; string schema_url = 3; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; ArrayValue array_value = 5; } }
message ArrayValue { repeated AnyValue values = 1; }
message Status { string message = 2; int32 code = 3; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
  fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9; Status status = 15;
}`
const REQUEST = protobuf.parse(PROTO).root.lookupType('Request')

type Value = string | number | boolean | readonly Value[]

/** A span as a collector has read it; ids in hexadecimal, times in milliseconds since the epoch. */
export interface ReadSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string
  readonly name: string
  readonly kind: 'internal' | 'server' | 'producer' | 'other'
  readonly start: number
  readonly end: number
  readonly isError: boolean
  readonly attributes: Readonly<Record<string, Value>>
  readonly resource: Readonly<Record<string, Value>>
}

type Behaviour = (request: IncomingMessage, response: ServerResponse) => void

export interface Collector {
  readonly url: string
  /** All spans that it has read. */
  readonly spans: readonly ReadSpan[]
  readonly requests: readonly { readonly url: string; readonly headers: IncomingHttpHeaders; readonly body: Buffer }[]
  /** Answers differently from now on; default: 200. It reads the spans of all requests all the same. */
  behave(answer: Behaviour): void
  /** Resolves when it has read `count` spans for which `matches` holds. */
  until(count: number, matches?: (span: ReadSpan) => boolean): Promise<readonly ReadSpan[]>
  close(): Promise<void>
}

/** An HTTP server that takes OTLP as protobuf, as a collector does. It closes with the test. @param port default: a free one */
export async function startCollector(t: Test, port = 0): Promise<Collector> {
  const spans: ReadSpan[] = []
  const requests: { url: string; headers: IncomingHttpHeaders; body: Buffer }[] = []
  let answer: Behaviour = (_request, response) => response.writeHead(200).end()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const raw = Buffer.concat(chunks)
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw
      requests.push({ url: request.url ?? '', headers: request.headers, body })
      spans.push(...readSpans(body))
      answer(request, response)
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    if (server.listening) await new Promise(resolve => server.close(resolve))
  }
  t.teardown(close)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    requests,
    behave(next) {
      answer = next
    },
    async until(count, matches = () => true) {
      const found = (): readonly ReadSpan[] => spans.filter(matches)
      await until(() => found().length >= count, {
        what: `${count} spans`,
        timeoutMs: 60_000,
        seen: () => JSON.stringify(spans.map(({ name }) => name))
      })
      return found()
    },
    close
  }
}

interface RawValue {
  readonly arrayValue?: { readonly values?: readonly RawValue[] }
  readonly [kind: string]: unknown
}

interface RawPair {
  readonly key: string
  readonly value: RawValue
}

interface RawRequest {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: readonly RawPair[] }
    readonly scopeSpans?: readonly { readonly spans?: readonly Readonly<Record<string, unknown>>[] }[]
  }[]
}

function readSpans(body: Buffer): ReadSpan[] {
  const request = REQUEST.toObject(REQUEST.decode(body), { bytes: String, longs: Number }) as RawRequest
  return (request.resourceSpans ?? []).flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans.flatMap(({ spans = [] }) => spans.map(span => toSpan(span, record(resource?.attributes))))
  )
}

function toSpan(raw: Readonly<Record<string, unknown>>, resource: ReadSpan['resource']): ReadSpan {
  return {
    traceId: hex(raw['traceId']),
    spanId: hex(raw['spanId']),
    parentId: hex(raw['parentSpanId']),
    name: String(raw['name']),
    kind: KINDS[Number(raw['kind'])] ?? 'other',
    start: Number(raw['startTimeUnixNano']) / 1e6,
    end: Number(raw['endTimeUnixNano']) / 1e6,
    isError: (raw['status'] as { code?: number } | undefined)?.code === 2,
    attributes: record(raw['attributes'] as readonly RawPair[] | undefined),
    resource
  }
}

/** By the numbers of opentelemetry-proto's SpanKind. */
const KINDS: Readonly<Record<number, ReadSpan['kind']>> = { 1: 'internal', 2: 'server', 4: 'producer' }

const hex = (base64: unknown): string => Buffer.from(typeof base64 === 'string' ? base64 : '', 'base64').toString('hex')

const record = (pairs: readonly RawPair[] = []): Record<string, Value> =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, toValue(value)]))

function toValue({ arrayValue, ...value }: RawValue): Value {
  if (arrayValue !== undefined) return (arrayValue.values ?? []).map(toValue)
  return Object.values(value)[0] as Value
}
