import { isDeepStrictEqual } from 'node:util'
import type { KeyedTributaryFile, TributaryFile } from '../../model/tributary-file.ts'
import { readKeyEntry } from '../key-digest.ts'

/** Members whose values are ids of people. */
const HIDDEN: ReadonlySet<string> = new Set(['suppress'])
/** Longer values are cut. */
const MAX_VALUE_CHARS = 80

/**
 * Compares two configurations. Returns one line for each change, by source, with keys masked, such as
 * `source web: key wk_abc…xyz added`, `source web: enabled true → false` or `destination Amplitude removed`.
 */
export function configChanges(before: KeyedTributaryFile, after: KeyedTributaryFile): string[] {
  return [
    ...listChanges('source', byId(before), byId(after), id => keyChanges(id, before, after)),
    ...listChanges('destination', byName(before.file), byName(after.file)),
    ...memberChanges('', restOf(before.file), restOf(after.file))
  ]
}

type Named = ReadonlyMap<string, object>

const byId = ({ file }: KeyedTributaryFile): Named => new Map(file.sources.map(source => [source.id, source]))
const byName = ({ destinations }: TributaryFile): Named => new Map(destinations.map(one => [one.name, one]))

function restOf({ sources: _s, destinations: _d, topicPlaces: _t, ...rest }: TributaryFile): object {
  return rest
}

function listChanges(kind: string, before: Named, after: Named, more: (name: string) => string[] = () => []): string[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap(name => {
    const [old, next] = [before.get(name), after.get(name)]
    const what =
      old === undefined
        ? [`${kind} ${name} added`]
        : next === undefined
          ? [`${kind} ${name} removed`]
          : memberChanges(`${kind} ${name}: `, old, next)
    return [...what, ...more(name)]
  })
}

function keyChanges(source: string, before: KeyedTributaryFile, after: KeyedTributaryFile): string[] {
  const [old, next] = [keysOf(before, source), keysOf(after, source)]
  const added = [...next].filter(([digest]) => !old.has(digest)).map(([, key]) => `source ${source}: key ${key} added`)
  const gone = [...old].filter(([digest]) => !next.has(digest)).map(([, key]) => `source ${source}: key ${key} revoked`)
  return [...added, ...gone]
}

/** The masked form of each key of a source, by digest, so that a key and its digest form count as the same key. */
function keysOf({ writeKeys }: KeyedTributaryFile, source: string): ReadonlyMap<string, string> {
  const entries = [...writeKeys].filter(([, { id }]) => id === source).map(([entry]) => readKeyEntry(entry))
  return new Map(entries.map(({ digest, shown: masked }) => [digest, masked]))
}

function memberChanges(prefix: string, before: object, after: object): string[] {
  const [old, next] = [new Map(Object.entries(before)), new Map(Object.entries(after))]
  return [...new Set([...old.keys(), ...next.keys()])]
    .filter(name => !isDeepStrictEqual(old.get(name), next.get(name)))
    .map(name => {
      if (HIDDEN.has(name)) return `${prefix}${name} changed`
      return `${prefix}${name} ${shown(old.get(name))} → ${shown(next.get(name))}`
    })
}

function shown(value: unknown): string {
  const text = value === undefined ? 'not set' : JSON.stringify(value)
  return text.length > MAX_VALUE_CHARS ? `${text.slice(0, MAX_VALUE_CHARS)}…` : text
}
