import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { AUTHORIZATION } from '../server-process.ts'
import { segmentFiles } from '../event-log.ts'

/** The properties of an event in the form in which they were sent; undefined: there is no such property. */
export interface Order {
  readonly id: string
  readonly orderId: string | undefined
  readonly price: string | undefined
}

const PROPERTY_NAMES = 1_500
const BATCH = 100
const EVENT = 'Order Completed'

/**
 * Order number `index` of a log: 1,500 names of properties, numbers that become texts half way, integers beyond 2^53,
 * `1.10`, objects that become arrays, line breaks and quotes in texts, and events without properties.
 */
export function orderOf(index: number, all: number): Order {
  const id = `order-${String(index).padStart(6, '0')}`
  if (index % 17 === 16) return { id, orderId: undefined, price: undefined }
  const isLate = index > all / 2
  const number = String(12345678901234567890n + BigInt(index))
  const price = index % 3 === 0 ? '1.10' : index % 3 === 1 ? `${index}.5` : isLate ? '"twelve"' : String(index)
  return { id, orderId: isLate && index % 2 === 0 ? `"A-${index}"` : number, price }
}

/** The same order as the event that a client sends. */
function eventOf(index: number, all: number): string {
  const { id, orderId, price } = orderOf(index, all)
  const head = `"type":"track","event":"${EVENT}","userId":"${String(index % 50).padStart(5, '0')}","messageId":"${id}"`
  if (orderId === undefined) return `{${head}}`
  const isLate = index > all / 2
  const changing = isLate ? `"2026-01-${String((index % 28) + 1).padStart(2, '0')}"` : String(index)
  const items = isLate ? '[{"n":"1"},2,null]' : '{"n":1}'
  const texts = '"note":"line\\nbreak \\"quoted\\" \\u00e9 \u{1f600}, a;b","a.b":1,"empty":null'
  const own = `"key_${index % PROPERTY_NAMES}":${changing}`
  return `{${head},"properties":{"order_id":${orderId},"price":${price},"items":${items},${texts},${own}},"context":{"n":${index}}}`
}

/** Sends the events with these numbers, 100 at a time. Rejects if one is not accepted. */
export async function sendOrders(url: string, from: number, to: number, all: number): Promise<void> {
  for (let at = from; at < to; at += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, to - at) }, (_, step) => at + step)
    const body = `{"batch":[${numbers.map(number => eventOf(number, all)).join()}]}`
    await sendAccepted(`${url}/v1/batch`, body)
  }
}

/** Events whose ids or values a reader of the topic may make something else of: messageId and properties. */
export const HARD_EVENTS = [
  ['007', '{"id":12345678901234567890,"price":1.10,"huge":1e400,"a.b":2,"a":{"b":1},"":3,"n":null,"e":{}}'],
  ['null', '{"text":"\\u0000 and \\ud800 and \u{1f600}","Plan":1,"plan":2}'],
  ['2026-11-28', '{}']
] as const

/** Sends a track event `Hard` of the user for each messageId, with its properties as JSON. Rejects if one is not accepted. */
export async function sendHard(
  url: string,
  userId: string,
  events: readonly (readonly [messageId: string, properties: string])[]
): Promise<void> {
  for (const [messageId, properties] of events) {
    const head = `"userId":"${userId}","event":"Hard","messageId":"${messageId}"`
    await sendAccepted(`${url}/v1/track`, `{${head},"properties":${properties}}`)
  }
}

async function sendAccepted(url: string, body: string): Promise<void> {
  const headers = { 'content-type': 'application/json', authorization: AUTHORIZATION }
  const answer = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(60_000) })
  const text = await answer.text()
  if (text !== '{"success":true}') throw new Error(`${answer.status} ${text}`)
}

/** Cuts the last line, as a crash does. */
export function tearLastLine(dataDir: string): void {
  const last = segmentFiles(join(dataDir, 'events')).at(-1) ?? ''
  appendFileSync(
    join(dataDir, 'events', last),
    `{"type":"track","event":"${EVENT}","messageId":"torn","properties":{"price":{}`
  )
}
