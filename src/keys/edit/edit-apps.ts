import { isMap, isScalar, isSeq, parseDocument } from 'yaml'
import type { Pair, YAMLMap, YAMLSeq } from 'yaml'
import type { AppKey } from '../../model/oauth/oauth.ts'
import { appendItem, cannotEdit, rangeOf, removeItem } from './list-text.ts'
import { afterOwnComments, lineEnd, ownCommentsStart } from './text-lines.ts'
import { yamlText } from './yaml-text.ts'

/** The app that `apps add` writes. */
export interface NewApp {
  readonly id: string
  readonly key: AppKey
  /** Undefined: all sources. */
  readonly sources: readonly string[] | undefined
  /** In the form of the file, such as `12h`; undefined: the default. */
  readonly ttl: string | undefined
}

/**
 * Adds an app to the text of a valid tributary.yml. Like the functions below and those of edit-text.ts, it changes nothing
 * else, and throws ConfigError if the file is written in a form that it cannot edit.
 */
export function addAppText(text: string, app: NewApp): string {
  const apps = appsOf(text)
  if (apps !== undefined) {
    return appendItem(text, apps, indent => (apps.flow ? flowApp(app) : blockApp(text, app, indent)))
  }
  const eol = lineEnd(text)
  const isEnded = text === '' || text.endsWith('\n')
  // The empty line separates `apps` from comments at the end of the file.
  return `${text}${isEnded ? '' : eol}${eol}apps:${eol}  - ${blockApp(text, app, '    ')}${eol}`
}

/** Adds a key to an app. */
export function addAppKeyText(text: string, id: string, key: AppKey): string {
  const keys = keysOf(text, id)
  return appendItem(text, keys, indent => (keys.flow ? JSON.stringify(key) : blockKey(text, key, indent)))
}

/** Removes a key of an app. */
export function removeAppKeyText(text: string, id: string, kid: string): string {
  const keys = keysOf(text, id)
  return removeItem(
    text,
    keys,
    keys.items.findIndex(item => isMap(item) && item.get('kid') === kid)
  )
}

/** Removes an app; the last one together with `apps`. */
export function removeAppText(text: string, id: string): string {
  const apps = appsOf(text) ?? cannotEdit()
  if (apps.items.length > 1) return removeItem(text, apps, indexOf(apps, id))
  if (apps.flow) return cannotEdit()
  const start = rangeOf((appsPair(text) ?? cannotEdit()).key)[0]
  const rest = removeItem(text, apps, 0)
  return rest.slice(0, ownCommentsStart(rest, start)) + rest.slice(afterOwnComments(rest, start))
}

function blockApp(text: string, { id, key, sources, ttl }: NewApp, indent: string): string {
  const eol = lineEnd(text)
  const lines = [`id: ${yamlText(id)}`, 'publicKeys:', `  - ${blockKey(text, key, `${indent}    `)}`]
  if (sources !== undefined) lines.push(`sources: [${sources.map(yamlText).join(', ')}]`)
  if (ttl !== undefined) lines.push(`ttl: ${yamlText(ttl)}`)
  return lines.join(`${eol}${indent}`)
}

function blockKey(text: string, { kid, pem }: AppKey, indent: string): string {
  const pemLines = pem.trimEnd().split('\n')
  return [`kid: ${yamlText(kid)}`, 'pem: |', ...pemLines.map(line => `  ${line}`)].join(`${lineEnd(text)}${indent}`)
}

function flowApp({ id, key, sources, ttl }: NewApp): string {
  return JSON.stringify({ id, publicKeys: [key], sources, ttl })
}

function appsPair(text: string): Pair | undefined {
  const { contents } = parseDocument(text, { logLevel: 'silent' })
  if (!isMap(contents)) return cannotEdit()
  const pair = contents.items.find(({ key }) => isScalar(key) && key.value === 'apps')
  // A flow mapping, such as JSON, has no place for another line.
  return pair === undefined && contents.flow === true ? cannotEdit() : pair
}

/** The list `apps`; undefined if the file has none. */
function appsOf(text: string): YAMLSeq | undefined {
  const pair = appsPair(text)
  if (pair === undefined) return undefined
  return isSeq(pair.value) && pair.value.items.length > 0 ? pair.value : cannotEdit()
}

function indexOf(apps: YAMLSeq, id: string): number {
  return apps.items.findIndex(item => isMap(item) && item.get('id') === id)
}

function keysOf(text: string, id: string): YAMLSeq {
  const apps = appsOf(text)
  const app = apps?.items.find((item): item is YAMLMap => isMap(item) && item.get('id') === id)
  const keys = app?.get('publicKeys')
  return isSeq(keys) ? keys : cannotEdit()
}
