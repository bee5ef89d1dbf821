/** The variables of OpenTelemetry. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readEnvironment } from '../../../src/config/env/environment.ts'
import { printConfig } from '../../../src/config/env/print.ts'
import type { TraceSettings } from '../../../src/model/operations/trace-settings.ts'
import { problemsOf } from '../../support/config-problems.ts'
import { ownFolder } from '../../support/own-folder.ts'

type Environment = Readonly<Record<string, string>>

const ENDPOINT = 'http://collector:4318'
const ASKED: Environment = { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT }
const traces = (env: Environment): TraceSettings | undefined => readEnvironment(env).traces

t.test('no traces are made unless a variable asks for them', t => {
  const silent: Environment[] = [
    {},
    { OTEL_SERVICE_NAME: 'x', OTEL_TRACES_SAMPLER: 'always_on', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' },
    { ...ASKED, OTEL_TRACES_EXPORTER: 'none' },
    { ...ASKED, OTEL_SDK_DISABLED: 'TRUE' },
    { OTEL_TRACES_EXPORTER: 'otlp', OTEL_SDK_DISABLED: 'true' }
  ]
  for (const env of silent) t.equal(traces(env), undefined, JSON.stringify(env))
  t.end()
})

t.test('the defaults are those of the specification', t => {
  t.strictSame(traces({ OTEL_TRACES_EXPORTER: 'otlp' }), {
    url: 'http://localhost:4318/v1/traces',
    headers: {},
    sampler: 'parentbased_always_on',
    ratio: 1,
    resource: { 'service.name': 'tributary' },
    maxQueueSpans: 2048,
    maxBatchSpans: 512,
    batchDelayMs: 5000,
    exportTimeoutMs: 30_000
  })
  t.end()
})

const READ: readonly [env: Environment, read: (settings: TraceSettings) => unknown, value: unknown][] = [
  [ASKED, s => s.url, `${ENDPOINT}/v1/traces`],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: `${ENDPOINT}/` }, s => s.url, `${ENDPOINT}/v1/traces`],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: `${ENDPOINT}/base` }, s => s.url, `${ENDPOINT}/base/v1/traces`],
  [{ ...ASKED, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://other/x' }, s => s.url, 'https://other/x'],
  [{ ...ASKED, OTEL_EXPORTER_OTLP_HEADERS: 'a=1, b=x%2Cy%3Dz' }, s => s.headers, { a: '1', b: 'x,y=z' }],
  [
    { ...ASKED, OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=2', OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'b=3' },
    s => s.headers,
    { a: '1', b: '3' }
  ],
  [{ ...ASKED, OTEL_EXPORTER_OTLP_HEADERS: 'a=b=c' }, s => s.headers, { a: 'b=c' }],
  [{ ...ASKED, OTEL_EXPORTER_OTLP_PROTOCOL: 'HTTP/protobuf' }, s => s.url, `${ENDPOINT}/v1/traces`],
  [
    { ...ASKED, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf' },
    s => s.url,
    `${ENDPOINT}/v1/traces`
  ],
  [{ ...ASKED, OTEL_RESOURCE_ATTRIBUTES: 'service.name=a,x=%20' }, s => s.resource, { 'service.name': 'a', x: ' ' }],
  [
    { ...ASKED, OTEL_RESOURCE_ATTRIBUTES: 'service.name=a', OTEL_SERVICE_NAME: 'b' },
    s => s.resource['service.name'],
    'b'
  ],
  // What others set for all programs does not count where it is not used.
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c:4318/v1/traces' },
    s => s.url,
    'http://c:4318/v1/traces'
  ],
  [{ ...ASKED, OTEL_TRACES_SAMPLER: 'always_on', OTEL_TRACES_SAMPLER_ARG: 'endpoint=http://c:14250' }, s => s.ratio, 1],
  [
    { ...ASKED, OTEL_TRACES_SAMPLER: 'TraceIdRatio', OTEL_TRACES_SAMPLER_ARG: '.25' },
    s => [s.sampler, s.ratio],
    ['traceidratio', 0.25]
  ],
  [{ ...ASKED, OTEL_BSP_MAX_QUEUE_SIZE: '100' }, s => [s.maxQueueSpans, s.maxBatchSpans], [100, 100]],
  [
    { ...ASKED, OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10', OTEL_BSP_SCHEDULE_DELAY: '7' },
    s => [s.maxBatchSpans, s.batchDelayMs],
    [10, 7]
  ]
]

t.test('each variable is read in the form of the specification', t => {
  for (const [env, read, value] of READ) {
    const settings = traces(env)
    t.strictSame(settings && read(settings), value, JSON.stringify(env))
  }
  t.end()
})

const REFUSED: readonly [env: Environment, problem: RegExp][] = [
  [
    { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    /^OTEL_EXPORTER_OTLP_PROTOCOL: expected http\/protobuf, but it is "grpc".*4318/
  ],
  [{ OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json' }, /^OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: expected http\/protobuf/],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, /^OTEL_EXPORTER_OTLP_ENDPOINT: expected a URL of a collector/],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: '127.0.0.1:4318' }, /^OTEL_EXPORTER_OTLP_ENDPOINT: expected a URL of a collector/],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://ann:secret@c' },
    /^OTEL_EXPORTER_OTLP_ENDPOINT: .*OTEL_EXPORTER_OTLP_HEADERS/
  ],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318?a=1' }, /^OTEL_EXPORTER_OTLP_ENDPOINT: expected a URL without/],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: '/v1/traces' }, /^OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: expected a URL/],
  [{ OTEL_EXPORTER_OTLP_HEADERS: 'Bearer secret' }, /^OTEL_EXPORTER_OTLP_HEADERS: expected pairs/],
  [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=%secret' }, /^OTEL_EXPORTER_OTLP_HEADERS: expected pairs/],
  [{ OTEL_EXPORTER_OTLP_HEADERS: 'a=secret%0d%0ax' }, /^OTEL_EXPORTER_OTLP_HEADERS: expected names and values/],
  [{ OTEL_EXPORTER_OTLP_HEADERS: 'a b=secret' }, /^OTEL_EXPORTER_OTLP_HEADERS: expected names and values/],
  [{ OTEL_RESOURCE_ATTRIBUTES: 'production' }, /^OTEL_RESOURCE_ATTRIBUTES: expected pairs/],
  [{ OTEL_TRACES_EXPORTER: 'console' }, /^OTEL_TRACES_EXPORTER: expected one of otlp, none/],
  [{ OTEL_TRACES_SAMPLER: 'jaeger_remote' }, /^OTEL_TRACES_SAMPLER: expected one of always_on, /],
  [
    { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '1.5' },
    /^OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1/
  ],
  [
    { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '1%' },
    /^OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1/
  ],
  [{ OTEL_SDK_DISABLED: 'yes' }, /^OTEL_SDK_DISABLED: expected one of true, false/],
  [{ OTEL_BSP_MAX_QUEUE_SIZE: '0' }, /^OTEL_BSP_MAX_QUEUE_SIZE: expected a whole number/],
  [{ OTEL_BSP_SCHEDULE_DELAY: '5s' }, /^OTEL_BSP_SCHEDULE_DELAY: expected a whole number/]
]

t.test(
  'what cannot be used is refused at the start, in a sentence that holds no secret, if traces are asked for',
  t => {
    for (const [env, problem] of REFUSED) {
      const problems = problemsOf({ ...ASKED, ...env })
      t.match(problems[0], problem)
      t.equal(problems.length, 1)
      t.notMatch(problems[0], /secret/)
      t.strictSame(
        problemsOf({ ...ASKED, ...env, OTEL_TRACES_EXPORTER: 'none' }),
        [],
        'a variable for other programs is not a problem'
      )
    }
    t.end()
  }
)

t.test('the headers are secrets: they are printed nowhere, and may come from a file', t => {
  const config = readEnvironment({ ...ASKED, OTEL_EXPORTER_OTLP_HEADERS: 'x-key=secret-key' })
  t.match(printConfig(config), /OTEL_EXPORTER_OTLP_HEADERS=\(hidden\)/)
  t.notMatch(printConfig(config), /secret-key/)
  const file = join(ownFolder(t), 'headers')
  writeFileSync(file, 'x-key=from-file\n')
  t.strictSame(traces({ ...ASKED, OTEL_EXPORTER_OTLP_HEADERS_FILE: file })?.headers, { 'x-key': 'from-file' })
  t.end()
})

t.test('the names of other signals are not taken for misspelt ones', t => {
  const others = [
    'OTEL_METRICS_EXPORTER',
    'OTEL_LOGS_EXPORTER',
    'OTEL_PROPAGATORS',
    'OTEL_LOG_LEVEL',
    'OTEL_BLRP_MAX_QUEUE_SIZE',
    'OTEL_BLRP_MAX_EXPORT_BATCH_SIZE',
    'OTEL_BLRP_SCHEDULE_DELAY',
    'OTEL_BLRP_EXPORT_TIMEOUT',
    'OTEL_EXPORTER_OTLP_TIMEOUT',
    'OTEL_EXPORTER_OTLP_TRACES_TIMEOUT',
    'OTEL_EXPORTER_OTLP_COMPRESSION',
    'OTEL_EXPORTER_OTLP_CERTIFICATE',
    'OTEL_EXPORTER_OTLP_LOGS_HEADERS',
    'OTEL_EXPORTER_OTLP_LOGS_ENDPOINT',
    'OTEL_EXPORTER_OTLP_METRICS_HEADERS',
    'OTEL_EXPORTER_OTLP_METRICS_ENDPOINT',
    'OTEL_EXPORTER_OTLP_METRICS_PROTOCOL',
    'OTEL_EXPORTER_OTLP_LOGS_PROTOCOL',
    'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT'
  ]
  t.strictSame(readEnvironment(Object.fromEntries(others.map(name => [name, 'x']))).warnings, [])
  t.match(readEnvironment({ OTEL_EXPORTER_OTLP_ENPOINT: ENDPOINT }).warnings, [
    /did you mean OTEL_EXPORTER_OTLP_ENDPOINT/
  ])
  t.end()
})
