import type { RouteConfig } from '../../src/ingest/route/route.ts'

/** The part of a published event that routing uses; `projectId` is its source. */
export interface RoutedEvent extends Record<string, unknown> {
  readonly type: string
  readonly projectId: string
  readonly integrations?: Readonly<Record<string, unknown>> | null | undefined
}

/** The topics of an event, computed in the simplest way: the router is compared with this. */
export function predictTopics({ eventsTopic, destinations }: RouteConfig, event: RoutedEvent): Set<string> {
  const { type, projectId, event: name, userId, anonymousId, integrations } = event
  const fill = (topic: string): string => topic.split('{type}').join(type).split('{source}').join(projectId)
  const said = new Map(Object.entries(integrations ?? {}))
  const place = predictPlace(String(userId || (anonymousId ?? '')))
  const goesTo = destinations.filter(({ name: own, enabled, sources, types, events, sample }) => {
    const isNamed = type !== 'track' || (events?.allow?.includes(String(name)) ?? true)
    const isDenied = type === 'track' && (events?.deny?.includes(String(name)) ?? false)
    const isWanted = (said.get(own) ?? said.get('All') ?? true) !== false
    const isOurs = (sources ?? [projectId]).includes(projectId) && ((types ?? [type]) as string[]).includes(type)
    return enabled && isOurs && isNamed && !isDenied && isWanted && place < (sample?.rate ?? 1)
  })
  return new Set([fill(eventsTopic), ...goesTo.map(({ topic }) => fill(topic))])
}

/** The hash of docs/destinations.md, with arithmetic that cannot overflow. */
export function predictPlace(key: string): number {
  const bits = 0xffff_ffffn
  let hash = 0x811c_9dc5n
  for (const byte of Buffer.from(key)) hash = ((hash ^ BigInt(byte)) * 0x0100_0193n) & bits
  hash = ((hash ^ (hash >> 16n)) * 0x85eb_ca6bn) & bits
  hash = ((hash ^ (hash >> 13n)) * 0xc2b2_ae35n) & bits
  return Number(hash ^ (hash >> 16n)) / 2 ** 32
}
