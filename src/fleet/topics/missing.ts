/** A topic of the fleet is missing, and may not be created. */
export class FleetTopicMissing extends Error {
  override readonly name = 'FleetTopicMissing'

  constructor(topic: string) {
    super(`topic ${topic} is missing, and KAFKA_CREATE_TOPICS is false`)
  }
}
