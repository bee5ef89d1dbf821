import { SAMPLERS } from '../../model/operations/trace-settings.ts'
import * as parse from './parsers.ts'
import { optional, secret, variable } from './variable.ts'

/**
 * The variables of OpenTelemetry that the server reads: names, forms and defaults of its specification, 1.56. What is wrong
 * in them counts only if they ask for traces, because many programs share these variables.
 *
 * Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
export const OTEL_VARIABLES = {
  OTEL_TRACES_EXPORTER: optional(
    '`otlp` if there is an endpoint, else `none`',
    parse.text,
    '`otlp`: send spans of the requests to a collector; `none`: make no spans ([docs/operations.md](docs/operations.md#traces)).'
  ),
  OTEL_SDK_DISABLED: variable('false', parse.text, '`true`: make no spans, whatever the other variables say.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: optional(
    '`http://localhost:4318`',
    parse.text,
    'URL of the collector; `/v1/traces` is added. It turns traces on.'
  ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: optional(
    'from the one above',
    parse.text,
    'The whole URL that spans are posted to. It turns traces on.'
  ),
  OTEL_EXPORTER_OTLP_HEADERS: secret('Headers for the collector, as `name=value,name=value`, percent-encoded.'),
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: secret('The same for traces alone; they come before those above.'),
  OTEL_EXPORTER_OTLP_PROTOCOL: variable('http/protobuf', parse.text, 'Nothing but `http/protobuf` can be used.'),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: optional('from the one above', parse.text, 'The same for traces alone.'),
  OTEL_SERVICE_NAME: optional('`tributary`', parse.text, '`service.name` of the spans.'),
  OTEL_RESOURCE_ATTRIBUTES: optional(
    'none',
    parse.text,
    'More attributes of the server, as `name=value,name=value`, percent-encoded.'
  ),
  OTEL_TRACES_SAMPLER: variable('parentbased_always_on', parse.text, `Which requests: one of ${SAMPLERS.join(', ')}.`),
  OTEL_TRACES_SAMPLER_ARG: optional('`1`', parse.text, 'The share of requests, from 0 to 1, of a `traceidratio`.'),
  OTEL_BSP_MAX_QUEUE_SIZE: variable(2048, parse.text, 'Spans that wait for the collector; more are dropped.'),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: variable(512, parse.text, 'Spans in one request to the collector.'),
  OTEL_BSP_SCHEDULE_DELAY: variable(5000, parse.text, 'Milliseconds that spans wait for a batch.'),
  OTEL_BSP_EXPORT_TIMEOUT: variable(30_000, parse.text, 'Milliseconds after which the next batch is sent all the same.')
} as const
