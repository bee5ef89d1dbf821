import type { EventType } from '../../../src/model/event-types.ts'

/** The answers of a server with a problem: it cannot store events now, or the source is over its rate. */
export type Trouble = 503 | 429

/** The address to which an SDK sends, and how its events are recognised. */
export interface SdkTarget {
  /** The only setting that changes for an SDK: `http://host:port`. */
  readonly url: string
  readonly writeKey: string
  /** Each event has `<marker>-<type>`: alias as previousId, the others in their properties or traits. */
  readonly marker: string
  /** Resolves when the server has accepted this many events of this run. */
  delivered(count: number): Promise<void>
}

/** One real SDK, used in one way. */
export interface SdkRun {
  /** The source of its key. */
  readonly source: string
  readonly name: string
  readonly version: () => string
  /** The types for which it has calls; default: all. */
  readonly types?: readonly EventType[]
  /** The statuses that it gets first; default: a 503 and a 429. */
  readonly troubles?: readonly Trouble[]
  /** Calls besides one of each type, by the end of their marker. */
  readonly extra?: Readonly<Record<string, EventType>>
  /** Sends one call of each type. Resolves when they are delivered, and rejects if the SDK gave up events. */
  send(target: SdkTarget): Promise<void>
}
