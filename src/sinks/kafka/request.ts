import { PartitionBatch, type KafkaMessage } from './call.ts'

/** One produce request: its messages in their order, and by partition, as they are sent. */
export class KafkaRequest {
  readonly messages: KafkaMessage[] = []
  readonly batches: PartitionBatch[] = []
  readonly #byTopic = new Map<string, (PartitionBatch | undefined)[]>()

  /** The batch of the partition, to be part of a message that is added then. */
  batchFor(topic: string, partition: number): PartitionBatch {
    let ofTopic = this.#byTopic.get(topic)
    if (ofTopic === undefined) this.#byTopic.set(topic, (ofTopic = []))
    let batch = ofTopic[partition]
    if (batch === undefined) {
      batch = new PartitionBatch(topic, partition)
      ofTopic[partition] = batch
      this.batches.push(batch)
    }
    return batch
  }

  add(message: KafkaMessage): void {
    this.messages.push(message)
    message.batch.records.push(message.value)
  }
}

/** The messages once more, as a request of their own. */
export function requestOf(messages: readonly KafkaMessage[]): KafkaRequest {
  const request = new KafkaRequest()
  for (const { batch, value, call, index } of messages) {
    request.add({ batch: request.batchFor(batch.topic, batch.partition), value, call, index })
  }
  return request
}
