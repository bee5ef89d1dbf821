import { originFault } from '../origin.ts'
import { suggest } from '../suggest.ts'
import { topicTemplateFault } from '../topic-template.ts'
import type { Finding, Path } from './yaml-source.ts'
import { inWords } from './yaml-source.ts'

/** One value of the file with the way to it. */
interface Item {
  readonly path: Path
  readonly value: unknown
}

/**
 * What the schema cannot say. Values of a wrong type are passed over: the schema's findings name them already, and
 * all mistakes of a file are to be seen at once.
 */
export function fileFindings(data: unknown): Finding[] {
  const sources = items(data, 'sources')
  const destinations = items(data, 'destinations')
  const ids = sources.map(({ value }) => field(value, 'id')).filter(isText)
  return [
    ...repeated(
      sources.map(item => inside(item, 'id')),
      first => `another source has this id (${first})`
    ),
    ...repeated(
      sources.flatMap(item => items(item.value, 'writeKeys', item.path)),
      first => `this write key stands twice in the file (also at ${first})`
    ),
    ...sources
      .flatMap(item => items(item.value, 'allowedOrigins', item.path))
      .flatMap(item => faulty(item, originFault)),
    ...repeated(
      destinations.map(item => inside(item, 'name')),
      first => `another destination has this name (${first})`
    ),
    ...destinations.map(item => inside(item, 'name')).flatMap(item => faulty(item, reservedName)),
    ...destinations.map(item => inside(item, 'topic')).flatMap(item => faulty(item, topicTemplateFault)),
    ...destinations.flatMap(item => items(item.value, 'sources', item.path)).flatMap(item => unknownSource(item, ids))
  ]
}

function reservedName(name: string): string | undefined {
  return name === 'All' ? '"All" in `integrations` stands for every destination; take another name' : undefined
}

function unknownSource(item: Item, ids: readonly string[]): Finding[] {
  return faulty(item, id => {
    if (ids.includes(id)) return undefined
    const meant = suggest(id, ids)
    return `no source has the id "${id}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`
  })
}

function faulty({ path, value }: Item, faultOf: (text: string) => string | undefined): Finding[] {
  const message = isText(value) ? faultOf(value) : undefined
  return message === undefined ? [] : [{ path, message }]
}

/** Each text that was seen before; the message is told where first. */
function repeated(found: readonly Item[], message: (first: string) => string): Finding[] {
  const first = new Map<string, Path>()
  return found.flatMap(({ path, value }) => {
    if (!isText(value)) return []
    const before = first.get(value)
    if (before === undefined) first.set(value, path)
    return before === undefined ? [] : [{ path, message: message(inWords(before)) }]
  })
}

const isText = (value: unknown): value is string => typeof value === 'string'

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

function inside({ path, value }: Item, name: string): Item {
  return { path: [...path, name], value: field(value, name) }
}

function items(value: unknown, name: string, path: Path = []): Item[] {
  const list = field(value, name)
  return Array.isArray(list) ? list.map((item: unknown, index) => ({ path: [...path, name, index], value: item })) : []
}
