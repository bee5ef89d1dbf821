#!/bin/sh
# The time-out of OpenTelemetry's exporters for JavaScript (OTEL_EXPORTER_OTLP_TIMEOUT, `timeoutMillis`) is one of silence: a collector
# whose answer comes byte by byte holds an export for ever. The batch processor goes on with the next batch after its own time-out,
# so that requests pile up, each with its spans, until the 30 that may be open at once are.
# @opentelemetry/sdk-trace 3.1.1, exporter-trace-otlp-proto 0.301.1, Node 24.21.0, seen 2026-11-29.
. "$(dirname "$0")/support.sh"
install @opentelemetry/api@1.10.0 @opentelemetry/sdk-trace@3.1.1 @opentelemetry/exporter-trace-otlp-proto@0.301.1
measure <<'PROGRAM'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'

/** Sends three batches of one span each to such a collector, and says what has become of them after eight seconds. */
async function results(name, answer) {
  let open = 0
  const collector = createServer((request, response) => {
    open++
    response.on('close', () => open--)
    request.resume().on('end', () => answer(response))
  })
  collector.listen(0, '127.0.0.1')
  await once(collector, 'listening')
  const url = `http://127.0.0.1:${collector.address().port}/v1/traces`
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: 1_000 })
  const ended = []
  const send = exporter.export.bind(exporter)
  exporter.export = (spans, done) => send(spans, result => (ended.push(result.error?.message ?? 'exported'), done(result)))
  const processor = new BatchSpanProcessor({ exporter, maxExportBatchSize: 1, exportTimeoutMillis: 2_000 })
  const tracer = new TracerProvider({ spanProcessors: [processor] }).getTracer('finding')
  for (let at = 0; at < 3; at++) tracer.startSpan('span').end()
  await sleep(8_000)
  console.log(`${name}: ${ended.length} of 3 ended${ended[0] ? ` (${ended[0]})` : ''}, ${open} requests open`)
  collector.closeAllConnections()
  collector.close()
}

await results('a collector that says nothing', () => undefined)
await results('a collector that sends a byte each 100 ms', response => {
  response.writeHead(200)
  const timer = setInterval(() => response.write(' '), 100)
  response.on('close', () => clearInterval(timer))
})
process.exit(0)
PROGRAM
expect <<'SEEN'
a collector that says nothing: 3 of 3 ended (Request timed out), 0 requests open
a collector that sends a byte each 100 ms: 0 of 3 ended, 3 requests open
SEEN
