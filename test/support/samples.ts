import { readdirSync, readFileSync } from 'node:fs'
import { request as sendRequest } from 'node:http'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

export type Json = Record<string, unknown>

/** One recorded request of an unmodified SDK, ready to be sent again. */
export interface Sample {
  /** The recording: an SDK and its settings. */
  readonly recording: string
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Before compression; undefined if there was none. */
  readonly body: string | undefined
  /** The events in the order in which they were sent; empty if the body has none that can be distinguished. */
  readonly events: readonly Json[]
}

interface Recorded {
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
  readonly body?: Json
  /** Set if the recording kept only the envelope and a count: the batch is then made from the previous request. */
  readonly envelope?: Json
  readonly batchLength?: number
  /** The text of a body that is not JSON. */
  readonly bodyText?: string
  readonly what?: string
}

const FOLDER = join(import.meta.dirname, '..', 'contract', 'samples')

/** Every recorded request, by recording, in the order in which they were sent. */
export function readSamples(): Map<string, Sample[]> {
  const recordings = new Map<string, Sample[]>()
  for (const file of readdirSync(FOLDER).toSorted()) {
    const recording = file.replace(/\.json$/, '')
    const read = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Recorded[] | { requests: Recorded[] }
    const samples: Sample[] = []
    for (const recorded of Array.isArray(read) ? read : read.requests)
      samples.push(toSample(recording, recorded, samples))
    recordings.set(recording, samples)
  }
  return recordings
}

function toSample(recording: string, recorded: Recorded, before: readonly Sample[]): Sample {
  const { method, url, headers, bodyText } = recorded
  const body = recorded.body ?? rebuild(recorded, before, recording)
  return {
    recording,
    method,
    url,
    headers,
    body: bodyText ?? (body === undefined ? undefined : JSON.stringify(body)),
    events: body === undefined ? [] : ((body['batch'] as Json[] | undefined) ?? [body])
  }
}

/** Rebuilds a body that the recording only counted: as many events, each with its own id. */
function rebuild({ envelope, batchLength, what }: Recorded, before: readonly Sample[], name: string): Json | undefined {
  if (batchLength === undefined) return undefined
  const model = before.at(-1)?.events.at(-1)
  const oversize = { type: 'track', userId: 'u', event: 'big', properties: { pad: 'x'.repeat(60_000) } }
  if (model === undefined && what?.includes('60,000 bytes') !== true) return undefined
  const batch = Array.from({ length: batchLength }, (_, i) => ({ ...(model ?? oversize), messageId: `${name}-${i}` }))
  return { ...envelope, batch }
}

export interface Replayed {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

/** Headers of the recording that belong to the connection and not to the request. */
const OF_THE_CONNECTION = new Set(['host', 'connection', 'content-length', 'transfer-encoding'])

/** Sends a recorded request to `url`: the same method, path, headers, compression and framing. */
export function replay(url: string, { method, url: path, headers, body }: Sample): Promise<Replayed> {
  const own = Object.entries(headers).filter(([name]) => !OF_THE_CONNECTION.has(name))
  const bytes = Buffer.from(body ?? '')
  const wire = headers['content-encoding'] === 'gzip' ? gzipSync(bytes) : bytes
  const framing: Record<string, string> =
    headers['transfer-encoding'] === 'chunked'
      ? { 'transfer-encoding': 'chunked' }
      : { 'content-length': `${wire.length}` }
  return new Promise((resolve, reject) => {
    const request = sendRequest(
      url + path,
      { method, headers: { ...Object.fromEntries(own), ...framing } },
      response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const answered = Object.entries(response.headers).map(([name, value]) => [name, String(value)])
          const text = Buffer.concat(chunks).toString()
          resolve({ status: response.statusCode ?? 0, headers: Object.fromEntries(answered), text })
        })
      }
    )
    request.on('error', reject)
    request.end(wire)
  })
}
