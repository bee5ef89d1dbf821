/** What a server of a fleet tells the others each second. JSON in the members topic, under the key `instance`. */
export interface Heartbeat {
  /** SERVER_NAME. */
  readonly name: string
  /** One for each start of a server. */
  readonly instance: string
  /** Milliseconds since the epoch, by the server's own clock. */
  readonly startedAt: number
  /** Of the server's software. */
  readonly version: string
  readonly adminUrl: string
  /** What is in force there; version 0: not of the fleet's topic. */
  readonly config: { readonly version: number; readonly hash: string; readonly problem: string | null }
  readonly kafka: { readonly reached: boolean; readonly problem: string | null }
  readonly backlogBytes: number
  /** Events and requests a second that were offered, by the id of each source that has a rate limit. */
  readonly demand: Readonly<Record<string, Demand>>
  /** True in the last one of a server that stops. */
  readonly leaving: boolean
}

export type Demand = readonly [eventsPerSecond: number, requestsPerSecond: number]

/** Undefined for what is no heartbeat: another version of the server may write more, but not less. */
export function readHeartbeat(value: Buffer | null): Heartbeat | undefined {
  if (value === null) return undefined
  try {
    const read = JSON.parse(value.toString()) as Heartbeat
    const isWhole =
      [read.name, read.instance, read.version, read.adminUrl].every(text => typeof text === 'string') &&
      typeof read.config.version === 'number' &&
      typeof read.kafka.reached === 'boolean' &&
      typeof read.demand === 'object'
    return isWhole ? read : undefined
  } catch {
    return undefined
  }
}
