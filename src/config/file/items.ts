import { suggest } from '../suggest.ts'
import type { Finding, Path } from './yaml-source.ts'
import { formatPath } from './yaml-source.ts'

/** A value of the file with its path. */
export interface Item {
  readonly path: Path
  readonly value: unknown
}

/** A finding if no source has this id. */
export function unknownSource(item: Item, ids: readonly string[]): Finding[] {
  return findingsOf(item, id => {
    if (ids.includes(id)) return undefined
    const meant = suggest(id, ids)
    return `no source has the id "${id}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`
  })
}

/** The finding that `faultOf` returns for a text. Values of other types are skipped. */
export function findingsOf({ path, value }: Item, faultOf: (text: string) => string | undefined): Finding[] {
  const message = isText(value) ? faultOf(value) : undefined
  return message === undefined ? [] : [{ path, message }]
}

/** A finding for each text that is repeated; `message` gets the path of the first one. */
export function findRepeated(found: readonly Item[], message: (first: string) => string): Finding[] {
  const first = new Map<string, Path>()
  return found.flatMap(({ path, value }) => {
    if (!isText(value)) return []
    const before = first.get(value)
    if (before === undefined) first.set(value, path)
    return before === undefined ? [] : [{ path, message: message(formatPath(before)) }]
  })
}

export const isText = (value: unknown): value is string => typeof value === 'string'

/** A member of a value; undefined if the value is not an object. */
export function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}

export function memberItem({ path, value }: Item, name: string): Item {
  return { path: [...path, name], value: memberOf(value, name) }
}

/** The items of the list `name` in a value; empty if it is not a list. */
export function listItems(value: unknown, name: string, path: Path = []): Item[] {
  const list = memberOf(value, name)
  return Array.isArray(list) ? list.map((item: unknown, index) => ({ path: [...path, name, index], value: item })) : []
}
