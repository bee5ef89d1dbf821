/** Bodies of the workloads. The load program writes a number into each of them, so that every id is unique. */

export const ID_DIGITS = 12
const ID_MARK = '0'.repeat(ID_DIGITS)
const ID_PREFIX = 'node-next-1795416344468-cc21eecc-'
const FIRST_TIME = Date.parse('2026-11-23T06:49:24.499Z')

export interface BodyTemplate {
  readonly bytes: Buffer
  /** The positions of the digits of each event's messageId. */
  readonly idOffsets: readonly number[]
  readonly events: number
}

const NAMES = ['Order Completed', 'Product Viewed', 'Cart Viewed', 'Coupon Applied', 'Signed Up']

/**
 * A track call of about 1 KB, as analytics-node sends it, with its own user, name, time and payload, and the context of
 * its client.
 */
function trackEvent(user: number): object {
  return {
    type: 'track',
    messageId: ID_PREFIX + ID_MARK,
    userId: `user-${user}`,
    event: NAMES[user % NAMES.length],
    timestamp: new Date(FIRST_TIME + user * 37).toISOString(),
    properties: {
      orderId: `o-${user}`,
      total: 12.5,
      currency: 'EUR',
      note: 'x'.repeat(400),
      items: [
        { sku: 'a', quantity: 1 },
        { sku: 'b', quantity: 2 }
      ]
    },
    context: {
      ip: '203.0.113.9',
      locale: 'de-DE',
      page: { path: '/', referrer: 'https://example.test/x', search: '', title: 'T', url: 'https://example.test/' },
      library: { name: '@segment/analytics-node', version: '3.1.0' },
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36'
    },
    integrations: {},
    _metadata: { nodeVersion: '24', jsRuntime: 'node' }
  }
}

function template(body: object, events: number): BodyTemplate {
  const bytes = Buffer.from(JSON.stringify(body))
  const idOffsets: number[] = []
  const mark = ID_PREFIX + ID_MARK
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) idOffsets.push(at + ID_PREFIX.length)
  return { bytes, idOffsets, events }
}

export function singleBody(): BodyTemplate {
  return template(trackEvent(7), 1)
}

export function batchBody(events: number): BodyTemplate {
  const batch = Array.from({ length: events }, (_, i) => trackEvent(i % 200))
  return template({ batch, sentAt: '2026-11-23T06:49:25.000Z' }, events)
}

/**
 * A page or track call of a browser, as analytics.js sends it: each on its own page, and therefore with its own
 * context.
 */
function browserEvent(user: number): object {
  const path = `/products/${user}`
  const page = { path, referrer: '', search: '', title: `Product ${user}`, url: `https://shop.example${path}` }
  const what =
    user % 2 === 0
      ? { type: 'page', properties: page }
      : { event: NAMES[user % NAMES.length], type: 'track', properties: { sku: `s-${user}`, price: user + 0.5 } }
  return {
    timestamp: new Date(FIRST_TIME + user * 37).toISOString(),
    integrations: {},
    ...what,
    context: {
      page,
      userAgent:
        'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
      userAgentData: { brands: [{ brand: 'Chromium', version: '126' }], mobile: false, platform: 'Linux' },
      locale: 'en-US',
      library: { name: 'analytics.js', version: 'next-1.81.0' },
      campaign: {},
      timezone: 'Europe/Berlin'
    },
    messageId: ID_PREFIX + ID_MARK,
    anonymousId: `3f2a9c1e-${user}`,
    userId: `user-${user}`,
    _metadata: { bundled: ['Segment.io'], unbundled: [], bundledIds: [] }
  }
}

/** A batch of browsers' calls: the events that many browsers send one by one, without the cost of their requests. */
export function browserBody(events: number): BodyTemplate {
  const batch = Array.from({ length: events }, (_, i) => browserEvent(i))
  return template({ batch, sentAt: '2026-11-23T06:49:25.000Z' }, events)
}

/** A batch of given calls, each with its own id. */
export function mixedBody(calls: readonly object[]): BodyTemplate {
  const batch = calls.map(call => ({ ...call, messageId: ID_PREFIX + ID_MARK }))
  return template({ batch, sentAt: '2026-11-23T06:49:25.000Z' }, batch.length)
}
