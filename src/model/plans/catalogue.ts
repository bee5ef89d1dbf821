/** The observations about one event of one source: names, properties and types, but no values. */
export interface SeenEvent {
  readonly source: string
  readonly type: string
  /** The name of a track call, or of a page or screen; empty if there is none. */
  readonly name: string
  /** The number of examined events. */
  events: number
  /** RFC 3339, by the time of arrival. */
  firstSeen: string
  lastSeen: string
  /** The number of events of each SDK: `analytics.js 2.1.0`. */
  readonly sdks: Record<string, number>
  /** Whether the event has more properties than were recorded. */
  isTruncated: boolean
  /** By path in the event, with `[]` for the elements of an array: `/properties/items/[]/sku`. */
  readonly properties: Record<string, SeenProperty>
}

export interface SeenProperty {
  /** The number of objects at this path, each of which could have the members below. */
  objects: number
  /**
   * The number of occurrences of the member, by type: `string`, `integer`, `number`, `boolean`, `null`, `object`,
   * `array`.
   */
  readonly types: Record<string, number>
  firstSeen: string
  lastSeen: string
}
