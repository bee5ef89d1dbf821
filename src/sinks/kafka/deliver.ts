import type { KafkaMessage } from './call.ts'
import { confirmedPartitions, isTimeRefused, refusalReason } from './errors.ts'
import { explain } from './explain.ts'
import { NO_TIMESTAMP } from './message.ts'
import type { KafkaSettings } from './options.ts'
import type { Outbox } from './outbox.ts'
import { requestOf, type KafkaRequest } from './request.ts'
import { offsetMap, type Session } from './session.ts'

export interface Delivery {
  readonly session: Session
  readonly outbox: Outbox
  readonly settings: KafkaSettings
  /** Whether the publishers have been told no already: then nothing more is sent for them. */
  readonly abandoned: () => boolean
}

/** Sessions whose log says already that the clocks differ. */
const told = new WeakSet<Session>()

/**
 * Sends the request and settles its messages. When the broker finds their time out of range, they are sent without
 * one. When it refuses some record for good, the rest is halved until the record stands alone and is refused alone.
 * Rejects with the client's error in any other trouble. Partitions that took theirs are settled in any case; messages
 * not settled when it rejects have an unknown fate.
 */
export async function deliver(request: KafkaRequest, delivery: Delivery): Promise<void> {
  const { session, outbox, settings } = delivery
  const { messages } = request
  const startedAt = performance.now()
  try {
    const offsets = await session.send(request)
    settings.onProduced({ ...measure(messages), milliseconds: performance.now() - startedAt })
    outbox.confirm({ messages, offsets })
  } catch (error) {
    const reason = refusalReason(error)
    const isTime = isTimeRefused(error) && messages.some(({ value }) => value.timestamp !== NO_TIMESTAMP)
    const left = settleConfirmed(messages, { error, outbox })
    if (!isTime && reason === undefined) throw error
    if (delivery.abandoned()) return
    if (isTime) await sendWithoutTime(left, { error, delivery })
    else if (reason !== undefined) await isolate(left, { reason, delivery })
  }
}

/** Settles what the partitions took that did not fail; gives the rest. */
function settleConfirmed(
  messages: readonly KafkaMessage[],
  failed: { readonly error: unknown; readonly outbox: Outbox }
): KafkaMessage[] {
  const offsets = offsetMap(confirmedPartitions(failed.error))
  const isConfirmed = ({ batch: { topic, partition } }: KafkaMessage): boolean =>
    offsets.get(topic)?.has(partition) ?? false
  failed.outbox.confirm({ messages: messages.filter(isConfirmed), offsets })
  return messages.filter(message => !isConfirmed(message))
}

/**
 * This machine's clock, or the broker's, is or was wrong by more than an hour. Waiting for the time to come would hold
 * up every event behind for as long; the header `receivedAt` still says what this clock said.
 */
async function sendWithoutTime(
  messages: readonly KafkaMessage[],
  failed: { readonly error: unknown; readonly delivery: Delivery }
): Promise<void> {
  const { error, delivery } = failed
  const { session, settings } = delivery
  if (!told.has(session)) settings.log.warn(`${explain(error, settings.brokers)}; sent without a timestamp`)
  told.add(session)
  const timeless = messages.map(message => ({ ...message, value: message.value.withoutTime() }))
  if (timeless.length > 0) await deliver(requestOf(timeless), delivery)
}

async function isolate(
  left: readonly KafkaMessage[],
  trouble: { readonly reason: string; readonly delivery: Delivery }
): Promise<void> {
  const { delivery, reason } = trouble
  const [only] = left
  if (left.length === 1 && only !== undefined) {
    delivery.outbox.refuse(only, reason)
    return
  }
  const middle = Math.ceil(left.length / 2)
  if (middle > 0) await deliver(requestOf(left.slice(0, middle)), delivery)
  if (left.length > middle && !delivery.abandoned()) await deliver(requestOf(left.slice(middle)), delivery)
}

function measure(messages: readonly KafkaMessage[]): { bytes: number; records: number } {
  let bytes = 0
  for (const { value } of messages) bytes += value.valueBytes + value.record.keyEnd - value.record.keyStart
  return { bytes, records: messages.length }
}
