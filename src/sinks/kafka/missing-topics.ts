import { isUnknownTopic } from './explain.ts'

/** Topics of a request that the cluster does not have. */
class MissingTopics extends Error {
  override readonly name = 'MissingTopics'

  constructor(topics: readonly string[]) {
    // Begins as the client's own words, by which such an error is known.
    super(`Unknown topic ${topics.join(', ')}: Kafka does not have it (any more)`)
  }
}

/**
 * What to say of a request that failed since a topic is unknown: the client takes the place of a topic in the broker's
 * answer for its place in the question, brokers put those that are missing last, and so the error names any of them.
 * Each topic is asked for by itself. Any other error comes back as it is, as does one that this does not explain.
 */
export async function namingMissingTopics(
  failure: unknown,
  { topics, lookUp }: { readonly topics: readonly string[]; readonly lookUp: (topic: string) => Promise<unknown> }
): Promise<unknown> {
  if (!isUnknownTopic(failure)) return failure
  const missing: string[] = []
  const ask = async (topic: string): Promise<void> => {
    await lookUp(topic).catch((refusal: unknown) => {
      if (isUnknownTopic(refusal)) missing.push(topic)
    })
  }
  await Promise.all(topics.map(ask))
  return missing.length === 0 ? failure : new MissingTopics(missing.toSorted())
}
