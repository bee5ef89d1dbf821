import { isMap, isNode, isScalar, isSeq, parseDocument } from 'yaml'
import type { YAMLMap, YAMLSeq } from 'yaml'
import { ConfigError } from '../model/config-error.ts'
import type { NewSource } from './first-file.ts'
import { yamlText } from './yaml-text.ts'

/**
 * Edits of tributary.yml that touch nothing but what they are for. The text is spliced where the parsed document says
 * that a value stands: writing the document out again would move every comment that somebody has lined up. All of them
 * take the text of a valid file, and throw ConfigError where it is written in a way that they cannot edit (aliases).
 */
export function addKeyText(text: string, sourceId: string, writeKey: string): string {
  const keys = keysOf(text, sourceId)
  return append(text, keys, () => yamlText(writeKey))
}

export function removeKeyText(text: string, sourceId: string, writeKey: string): string {
  const keys = keysOf(text, sourceId)
  const index = keys.items.findIndex(item => isScalar(item) && item.value === writeKey)
  const [start, end] = rangeOf(keys.items[index])
  if (!keys.flow) return text.slice(0, lineStart(text, start)) + text.slice(afterLine(text, end))
  if (index > 0) return text.slice(0, rangeOf(keys.items[index - 1])[1]) + text.slice(end)
  return text.slice(0, start) + text.slice(rangeOf(keys.items[1])[0])
}

export function addSourceText(text: string, { id, name }: NewSource, writeKey: string): string {
  const pairs = [`id: ${yamlText(id)}`, `name: ${yamlText(name)}`, `writeKeys: [${yamlText(writeKey)}]`]
  const sources = sourcesOf(text)
  return append(text, sources, indent =>
    sources.flow ? `{ ${pairs.join(', ')} }` : pairs.join(`${lineEnd(text)}${indent}`)
  )
}

/** Writes a new last item; `write` is told how far lines after its first one are indented. */
function append(text: string, list: YAMLSeq, write: (indent: string) => string): string {
  const last = list.items.at(-1)
  if (list.flow) {
    const [, end] = rangeOf(last)
    return `${text.slice(0, end)}, ${write('')}${text.slice(end)}`
  }
  const first = rangeOf(list.items[0])[0]
  const dash = text.slice(lineStart(text, first), first)
  if (!/^ *- +$/.test(dash)) cannotEdit()
  const end = contentEnd(last)
  const breakAt = text.indexOf('\n', end)
  const at = breakAt === -1 ? text.length : text[breakAt - 1] === '\r' ? breakAt - 1 : breakAt
  return `${text.slice(0, at)}${lineEnd(text)}${dash}${write(' '.repeat(dash.length))}${text.slice(at)}`
}

function sourcesOf(text: string): YAMLSeq {
  const sources = parseDocument(text, { logLevel: 'silent' }).get('sources')
  return isSeq(sources) ? sources : cannotEdit()
}

function keysOf(text: string, sourceId: string): YAMLSeq {
  const source = sourcesOf(text).items.find((item): item is YAMLMap => isMap(item) && item.get('id') === sourceId)
  const keys = source?.get('writeKeys')
  return isSeq(keys) ? keys : cannotEdit()
}

function rangeOf(node: unknown): readonly [start: number, end: number] {
  const range = isScalar(node) || isMap(node) || isSeq(node) ? node.range : undefined
  return range ? [range[0], range[1]] : cannotEdit()
}

/** Where the last word of a value ends: a block's own range goes on over the comments and empty lines after it. */
function contentEnd(node: unknown): number {
  if ((isMap(node) || isSeq(node)) && node.flow !== true) {
    const last = node.items.at(-1)
    if (isNode(last)) return contentEnd(last)
    const pair = last as { key: unknown; value: unknown } | undefined
    return contentEnd(pair?.value ?? pair?.key)
  }
  return rangeOf(node)[1]
}

const lineStart = (text: string, offset: number): number => text.lastIndexOf('\n', offset - 1) + 1

function afterLine(text: string, offset: number): number {
  const at = text.indexOf('\n', offset)
  return at === -1 ? text.length : at + 1
}

const lineEnd = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n')

function cannotEdit(): never {
  throw new ConfigError(['the file is written in a way that this command cannot edit: please edit it by hand'])
}
