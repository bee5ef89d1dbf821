import { placeKey, type KafkaMessage } from './call.ts'
import { confirmedPartitions, refusalReason } from './errors.ts'
import type { KafkaSettings } from './options.ts'
import type { Outbox } from './outbox.ts'
import { offsetMap, type Session } from './session.ts'

export interface Delivery {
  readonly session: Session
  readonly outbox: Outbox
  readonly settings: KafkaSettings
  /** Whether the publishers have been told no already: then nothing more is sent for them. */
  readonly abandoned: () => boolean
}

/**
 * Sends the messages and settles them. When the broker refuses some record for good, the partitions that took theirs
 * are settled and the rest is halved until the record stands alone and is refused alone. Rejects with the client's
 * error in any other trouble; messages not settled by then have an unknown fate.
 */
export async function deliver(messages: KafkaMessage[], delivery: Delivery): Promise<void> {
  const { session, outbox, settings } = delivery
  const startedAt = performance.now()
  try {
    const request = await session.send(messages)
    settings.onProduced({ ...measure(messages), milliseconds: performance.now() - startedAt })
    outbox.confirm(request)
  } catch (error) {
    const reason = refusalReason(error)
    if (reason === undefined) throw error
    if (!delivery.abandoned()) await isolate(messages, { error, reason, delivery })
  }
}

async function isolate(
  messages: readonly KafkaMessage[],
  trouble: { readonly error: unknown; readonly reason: string; readonly delivery: Delivery }
): Promise<void> {
  const { delivery, reason } = trouble
  const offsets = offsetMap(confirmedPartitions(trouble.error))
  const isConfirmed = ({ topic, partition }: KafkaMessage): boolean => offsets.has(placeKey(topic, partition))
  delivery.outbox.confirm({ messages: messages.filter(isConfirmed), offsets })

  const left = messages.filter(message => !isConfirmed(message))
  const [only] = left
  if (left.length === 1 && only !== undefined) {
    delivery.outbox.refuse(only, reason)
    return
  }
  const middle = Math.ceil(left.length / 2)
  if (middle > 0) await deliver(left.slice(0, middle), delivery)
  if (left.length > middle && !delivery.abandoned()) await deliver(left.slice(middle), delivery)
}

function measure(messages: readonly KafkaMessage[]): { bytes: number; records: number } {
  let bytes = 0
  for (const { key, value } of messages) bytes += value.length + (key?.length ?? 0)
  return { bytes, records: messages.length }
}
