import { isMap, isScalar, isSeq, parseDocument } from 'yaml'
import type { YAMLMap, YAMLSeq } from 'yaml'
import type { NewSource } from './first-file.ts'
import { appendItem, cannotEdit, rangeOf, removeItem } from './list-text.ts'
import { lineEnd } from './text-lines.ts'
import { yamlText } from './yaml-text.ts'

/**
 * Adds a key to a source. The functions of this file take the text of a valid tributary.yml and change only what they are for:
 * they splice the text at the positions of the parsed document, because writing the whole document again would move aligned
 * comments. They throw ConfigError if the file is written in a form that they cannot edit (aliases).
 */
export function addKeyText(text: string, sourceId: string, writeKey: string): string {
  const keys = writeKeysNode(text, sourceId)
  const isJson = text[rangeOf(keys.items.at(-1))[0]] === '"'
  return appendItem(text, keys, () => (isJson ? JSON.stringify(writeKey) : yamlText(writeKey)))
}

/** Removes a key together with its comments: those beside it, and those on the lines above it. */
export function removeKeyText(text: string, sourceId: string, writeKey: string): string {
  const keys = writeKeysNode(text, sourceId)
  return removeItem(
    text,
    keys,
    keys.items.findIndex(item => isScalar(item) && item.value === writeKey)
  )
}

export function addSourceText(text: string, { id, name }: NewSource, writeKey: string): string {
  const pairs = [`id: ${yamlText(id)}`, `name: ${yamlText(name)}`, `writeKeys: [${yamlText(writeKey)}]`]
  const sources = sourcesOf(text)
  return appendItem(text, sources, indent =>
    sources.flow ? `{ ${pairs.join(', ')} }` : pairs.join(`${lineEnd(text)}${indent}`)
  )
}

function sourcesOf(text: string): YAMLSeq {
  const sources = parseDocument(text, { logLevel: 'silent' }).get('sources')
  return isSeq(sources) ? sources : cannotEdit()
}

function writeKeysNode(text: string, sourceId: string): YAMLSeq {
  const source = sourcesOf(text).items.find((item): item is YAMLMap => isMap(item) && item.get('id') === sourceId)
  const keys = source?.get('writeKeys')
  return isSeq(keys) ? keys : cannotEdit()
}
