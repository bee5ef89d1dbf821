import { randomUUID } from 'node:crypto'

const MARK = '"messageId":"'
const BATCH_EVENTS = 50

/** A request whose events get new messageIds before each use. */
export interface SampleRequest {
  readonly bytes: Buffer
  /** Gives every event a messageId that it has not had before. */
  renew(): void
}

export interface SampleHead {
  readonly path: string
  readonly writeKey: string
}

/** A single `track` call. */
export function singleSample(writeKey: string): SampleRequest {
  return toRequest(sampleEvent('track'), { path: '/v1/track', writeKey })
}

/** A batch of the most frequent types. */
export function batchSample(writeKey: string): SampleRequest {
  const types = ['track', 'page', 'track', 'identify'] as const
  const batch = Array.from({ length: BATCH_EVENTS }, (_, index) => sampleEvent(types[index % types.length] as 'track'))
  return toRequest({ batch, sentAt: new Date().toISOString() }, { path: '/v1/batch', writeKey })
}

/** As the SDKs for Node and browsers send them. */
function sampleEvent(type: 'track' | 'page' | 'identify'): object {
  return {
    type,
    messageId: randomUUID(),
    anonymousId: randomUUID(),
    userId: 'sample',
    ...(type === 'track' ? { event: 'Sample Sent' } : type === 'page' ? { name: 'Sample' } : {}),
    timestamp: new Date().toISOString(),
    [type === 'identify' ? 'traits' : 'properties']: {
      total: 12.5,
      currency: 'EUR',
      note: 'x'.repeat(300),
      items: [{ sku: 'a', quantity: 1 }]
    },
    context: {
      ip: '192.0.2.1',
      locale: 'en',
      page: { path: '/', referrer: '', search: '', title: 'Sample', url: 'https://example.test/' },
      library: { name: 'sample', version: '1.0.0' },
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36'
    },
    integrations: {}
  }
}

function toRequest(body: object, { path, writeKey }: SampleHead): SampleRequest {
  const text = JSON.stringify(body)
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    `authorization: Basic ${Buffer.from(`${writeKey}:`).toString('base64')}`,
    'content-type: application/json',
    `content-length: ${text.length}`
  ]
  const bytes = Buffer.from(`${head.join('\r\n')}\r\n\r\n${text}`)
  const idPlaces: number[] = []
  for (let at = bytes.indexOf(MARK); at >= 0; at = bytes.indexOf(MARK, at + 1)) idPlaces.push(at + MARK.length)
  return {
    bytes,
    renew() {
      for (const at of idPlaces) bytes.write(randomUUID(), at, 'latin1')
    }
  }
}
