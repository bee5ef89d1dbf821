import { hash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { KeyedTributaryFile, TributaryFile } from '../../model/tributary-file.ts'
import { readKeyEntry } from '../key-digest.ts'

/** Members whose values are ids of people. */
const HIDDEN: ReadonlySet<string> = new Set(['suppress'])

type Entries = readonly (readonly [name: string, value: object])[]

/** A configuration for a comparison, as JSON can store it: no key can be read in it, and no id of a person. */
export interface ConfigFacts {
  /** By id. */
  readonly sources: Entries
  /** The source of each key, the key's digest, and its masked form. */
  readonly keys: readonly (readonly [source: string, digest: string, masked: string])[]
  /** By name. */
  readonly destinations: Entries
  /** The other members of the file. */
  readonly rest: object
}

export function configFacts({ file, writeKeys }: KeyedTributaryFile): ConfigFacts {
  const facts: ConfigFacts = {
    sources: file.sources.map(source => [source.id, source]),
    keys: [...writeKeys].map(([entry, { id }]) => {
      const { digest, shown: masked } = readKeyEntry(entry)
      return [id, digest, masked]
    }),
    destinations: file.destinations.map(destination => [destination.name, destination]),
    rest: restOf(file)
  }
  return JSON.parse(JSON.stringify(facts)) as ConfigFacts
}

/**
 * Compares two configurations. Returns one line for each change, by source, with keys masked, such as
 * `source web: key wk_abc…xyz added`, `source web: enabled true → false` or `destination Amplitude removed`.
 *
 * @param maxValueChars longer values are cut
 */
export function configChanges(before: ConfigFacts, after: ConfigFacts, maxValueChars = Infinity): string[] {
  const compare: Comparison = (prefix, old, next) => memberChanges(prefix, [old, next], maxValueChars)
  return [
    ...listChanges('source', [before.sources, after.sources], compare, id => keyChanges(id, before, after)),
    ...listChanges('destination', [before.destinations, after.destinations], compare),
    ...compare('', before.rest, after.rest)
  ]
}

type Comparison = (prefix: string, before: object, after: object) => string[]

/** What is neither a list with names nor a position in the file. The value of a hidden member is its digest. */
function restOf({ sources: _s, destinations: _d, topicPlaces: _t, ...rest }: TributaryFile): object {
  const members = Object.entries(rest).filter(([, value]) => value !== undefined)
  return Object.fromEntries(
    members.map(([name, value]) => [name, HIDDEN.has(name) ? hash('sha256', JSON.stringify(value), 'hex') : value])
  )
}

function listChanges(
  kind: string,
  [before, after]: readonly [Entries, Entries],
  compare: Comparison,
  more: (name: string) => string[] = () => []
): string[] {
  const [old, next] = [new Map(before), new Map(after)]
  return [...new Set([...old.keys(), ...next.keys()])].flatMap(name => {
    const [was, is] = [old.get(name), next.get(name)]
    const what =
      was === undefined
        ? [`${kind} ${name} added`]
        : is === undefined
          ? [`${kind} ${name} removed`]
          : compare(`${kind} ${name}: `, was, is)
    return [...what, ...more(name)]
  })
}

function keyChanges(source: string, before: ConfigFacts, after: ConfigFacts): string[] {
  const [old, next] = [keysOf(before, source), keysOf(after, source)]
  const added = [...next].filter(([digest]) => !old.has(digest)).map(([, key]) => `source ${source}: key ${key} added`)
  const gone = [...old].filter(([digest]) => !next.has(digest)).map(([, key]) => `source ${source}: key ${key} revoked`)
  return [...added, ...gone]
}

/** The masked form of each key of a source, by digest, so that a key and its digest form count as the same key. */
function keysOf({ keys }: ConfigFacts, source: string): ReadonlyMap<string, string> {
  return new Map(keys.filter(([id]) => id === source).map(([, digest, masked]) => [digest, masked]))
}

function memberChanges(prefix: string, [before, after]: readonly [object, object], maxChars: number): string[] {
  const [old, next] = [new Map(Object.entries(before)), new Map(Object.entries(after))]
  return [...new Set([...old.keys(), ...next.keys()])]
    .filter(name => !isDeepStrictEqual(old.get(name), next.get(name)))
    .map(name => {
      if (HIDDEN.has(name)) return `${prefix}${name} changed`
      return `${prefix}${name} ${shown(old.get(name), maxChars)} → ${shown(next.get(name), maxChars)}`
    })
}

function shown(value: unknown, maxChars: number): string {
  const text = value === undefined ? 'not set' : JSON.stringify(value)
  return text.length > maxChars ? `${text.slice(0, maxChars)}…`.toWellFormed() : text
}
