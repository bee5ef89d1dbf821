import type { SeenEvent, SeenProperty } from '../../model/plans/catalogue.ts'

/** The limits of a catalogue. What is beyond them is not recorded; `dropped` counts it. */
export const CATALOGUE_BOUNDS = {
  events: 2_000,
  properties: 300,
  allProperties: 50_000,
  sdks: 20,
  depth: 6,
  elements: 20,
  nameChars: 200
}

type JsonObject = Readonly<Record<string, unknown>>

/** The members that hold the data of an event. */
const PAYLOADS = ['properties', 'traits'] as const

/** The events that were seen, by source, type and name, in bounded memory. */
export class Catalogue {
  dropped = 0
  /** The number of properties of all events. */
  #properties = 0
  readonly #events = new Map<string, SeenEvent>()

  constructor(known: readonly SeenEvent[] = []) {
    for (const event of known) {
      this.#events.set(keyOf(event), event)
      this.#properties += Object.keys(event.properties).length
    }
  }

  get size(): number {
    return this.#events.size
  }

  list(): readonly SeenEvent[] {
    return [...this.#events.values()]
  }

  /**
   * Records one published event.
   *
   * @param now RFC 3339
   */
  add(source: string, event: JsonObject, now: string): void {
    const type = typeof event['type'] === 'string' ? event['type'] : 'unknown'
    const given = type === 'track' ? event['event'] : event['name']
    const name = typeof given === 'string' ? given.slice(0, CATALOGUE_BOUNDS.nameChars) : ''
    const entry = this.#entry({ source, type, name }, now)
    if (entry === undefined) return
    entry.events++
    entry.lastSeen = now
    this.#noteSdk(entry, sdkOf(event))
    for (const key of PAYLOADS) {
      const payload = event[key]
      if (isObject(payload)) this.#noteMembers(entry, payload, { path: `/${key}`, depth: 1, now })
    }
  }

  #entry(about: Pick<SeenEvent, 'source' | 'type' | 'name'>, now: string): SeenEvent | undefined {
    const key = keyOf(about)
    const known = this.#events.get(key)
    if (known !== undefined) return known
    if (this.#events.size >= CATALOGUE_BOUNDS.events) {
      this.dropped++
      return undefined
    }
    const entry = { ...about, events: 0, isTruncated: false, firstSeen: now, lastSeen: now, sdks: {}, properties: {} }
    this.#events.set(key, entry)
    return entry
  }

  #noteSdk({ sdks }: SeenEvent, sdk: string): void {
    if (!Object.hasOwn(sdks, sdk) && Object.keys(sdks).length >= CATALOGUE_BOUNDS.sdks) this.dropped++
    else sdks[sdk] = (sdks[sdk] ?? 0) + 1
  }

  /** Records an object of the event, and its members. */
  #noteMembers(entry: SeenEvent, object: JsonObject, { path, depth, now }: Place): void {
    const own = this.#property(entry, path, now)
    if (own === undefined) return
    own.objects++
    for (const [key, value] of Object.entries(object)) {
      const below = `${path}/${stepOf(key)}`
      this.#noteValue(entry, value, { path: below, depth: depth + 1, now })
    }
  }

  #noteValue(entry: SeenEvent, value: unknown, place: Place): void {
    const { path, depth, now } = place
    const property = this.#property(entry, path, now)
    if (property === undefined) return
    const type = typeOf(value)
    property.types[type] = (property.types[type] ?? 0) + 1
    property.lastSeen = now
    if (depth >= CATALOGUE_BOUNDS.depth) return
    if (isObject(value)) this.#noteMembers(entry, value, place)
    else if (Array.isArray(value)) {
      for (const element of value.slice(0, CATALOGUE_BOUNDS.elements) as unknown[]) {
        this.#noteValue(entry, element, { path: `${path}/[]`, depth: depth + 1, now })
      }
    }
  }

  #property(entry: SeenEvent, path: string, now: string): SeenProperty | undefined {
    const { properties } = entry
    if (Object.hasOwn(properties, path)) return properties[path]
    const isFull = this.#properties >= CATALOGUE_BOUNDS.allProperties
    if (isFull || Object.keys(properties).length >= CATALOGUE_BOUNDS.properties) {
      this.dropped++
      entry.isTruncated = true
      return undefined
    }
    this.#properties++
    return (properties[path] = { objects: 0, types: {}, firstSeen: now, lastSeen: now })
  }
}

interface Place {
  readonly path: string
  readonly depth: number
  readonly now: string
}

function keyOf({ source, type, name }: Pick<SeenEvent, 'source' | 'type' | 'name'>): string {
  return JSON.stringify([source, type, name])
}

/** A key as a step of a path, escaped so that different keys give different paths. */
function stepOf(key: string): string {
  if (key === '[]') return '~2'
  return key.slice(0, CATALOGUE_BOUNDS.nameChars).replaceAll('~', '~0').replaceAll('/', '~1')
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return Number.isInteger(value) ? 'integer' : typeof value
}

function sdkOf({ context }: JsonObject): string {
  const library = isObject(context) ? context['library'] : undefined
  if (!isObject(library)) return 'unknown'
  const words = [library['name'], library['version']].filter(word => typeof word === 'string')
  return words.join(' ').slice(0, CATALOGUE_BOUNDS.nameChars) || 'unknown'
}
