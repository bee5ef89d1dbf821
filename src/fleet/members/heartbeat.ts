/** The message that a server of a fleet writes each second, as JSON in the members topic under the key `instance`. */
export interface Heartbeat {
  /** SERVER_NAME. */
  readonly name: string
  /** A different value for each start of a server. */
  readonly instance: string
  /** Milliseconds since the epoch, by the server's own clock. */
  readonly startedAt: number
  /** The version of the server's software. */
  readonly version: string
  readonly adminUrl: string
  /** The configuration in force on the server; version 0: it is not from the fleet's topic. */
  readonly config: { readonly version: number; readonly hash: string; readonly problem: string | null }
  readonly kafka: { readonly reached: boolean; readonly problem: string | null }
  readonly backlogBytes: number
  /** Events and requests a second that were offered, by the id of each source that has a rate limit. */
  readonly demand: Readonly<Record<string, Demand>>
  /** True in the last heartbeat of a server that stops. */
  readonly leaving: boolean
}

export type Demand = readonly [eventsPerSecond: number, requestsPerSecond: number]

/** Parses a heartbeat; undefined for any other value. Another version of the server may add members, but not leave one out. */
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
