/** What was seen of the events of one source: names, properties and types, never a value. */
export interface SeenEvent {
  readonly source: string
  readonly type: string
  /** Of a track call, or of a page or screen; empty where there is none. */
  readonly name: string
  /** How many events were looked at. */
  events: number
  /** RFC 3339, by the time of arrival. */
  firstSeen: string
  lastSeen: string
  /** `analytics.js 2.1.0` to how many events it sent. */
  readonly sdks: Record<string, number>
  /** It has more properties than are noted. */
  isTruncated: boolean
  /** By path in the event, with `[]` for the elements of an array: `/properties/items/[]/sku`. */
  readonly properties: Record<string, SeenProperty>
}

export interface SeenProperty {
  /** How many objects stood here, each of which could have the members below. */
  objects: number
  /** How often the member was there, by type: `string`, `integer`, `number`, `boolean`, `null`, `object`, `array`. */
  readonly types: Record<string, number>
  firstSeen: string
  lastSeen: string
}
