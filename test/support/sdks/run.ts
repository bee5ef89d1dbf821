import type { EventType } from '../../../src/model/event-types.ts'

/** What a server in trouble answers: it cannot store now, or the source is over its rate. */
export type Trouble = 503 | 429

/** Where an SDK is to send, and how its events are told from others. */
export interface SdkTarget {
  /** The one thing that changes for an SDK: `http://host:port`. */
  readonly url: string
  readonly writeKey: string
  /** Each event carries `<marker>-<type>`: alias as previousId, the others in their properties or traits. */
  readonly marker: string
  /** Resolves once the server has taken so many events of this run. */
  delivered(count: number): Promise<void>
}

/** One real SDK in one way of using it. */
export interface SdkRun {
  /** The source of its key. */
  readonly source: string
  readonly name: string
  readonly version: () => string
  /** The types that it has calls for; default: all. */
  readonly types?: readonly EventType[]
  /** Statuses that it meets first; default: a 503 and a 429. */
  readonly troubles?: readonly Trouble[]
  /** Calls that it makes beside one of each type, by the end of their marker. */
  readonly extra?: Readonly<Record<string, EventType>>
  /** Sends one call of each type and resolves once they are delivered. Rejects where the SDK gave events up. */
  send(target: SdkTarget): Promise<void>
}
