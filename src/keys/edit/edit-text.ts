import { isMap, isNode, isScalar, isSeq, parseDocument } from 'yaml'
import type { YAMLMap, YAMLSeq } from 'yaml'
import { ConfigError } from '../../model/config-error.ts'
import type { NewSource } from './first-file.ts'
import { afterOwnComments, isAloneOnLine, lineEnd, lineStart, ownCommentsStart } from './text-lines.ts'
import { yamlText } from './yaml-text.ts'

/**
 * Edits of tributary.yml that touch nothing but what they are for. The text is spliced where the parsed document says
 * that a value stands: writing the document out again would move every comment that somebody has lined up. All of them
 * take the text of a valid file, and throw ConfigError where it is written in a way that they cannot edit (aliases).
 */
export function addKeyText(text: string, sourceId: string, writeKey: string): string {
  const keys = writeKeysNode(text, sourceId)
  const isJson = text[rangeOf(keys.items.at(-1))[0]] === '"'
  return append(text, keys, () => (isJson ? JSON.stringify(writeKey) : yamlText(writeKey)))
}

/** Comments of the key go with it: those beside it, and those on the lines above it. */
export function removeKeyText(text: string, sourceId: string, writeKey: string): string {
  const keys = writeKeysNode(text, sourceId)
  const index = keys.items.findIndex(item => isScalar(item) && item.value === writeKey)
  const [start, end] = rangeOf(keys.items[index])
  if (!keys.flow) return text.slice(0, ownCommentsStart(text, start)) + text.slice(afterOwnComments(text, end))
  return removeFlowItem(text, keys, index)
}

function removeFlowItem(text: string, list: YAMLSeq, index: number): string {
  const [start, end] = rangeOf(list.items[index])
  const previous = list.items[index - 1] === undefined ? undefined : rangeOf(list.items[index - 1])
  const next = list.items[index + 1] === undefined ? undefined : rangeOf(list.items[index + 1])
  const isOnLineOf = (offset: number): boolean => lineStart(text, offset) === lineStart(text, start)
  if (previous !== undefined && isOnLineOf(previous[1])) return text.slice(0, previous[1]) + text.slice(end)
  if (next !== undefined && isOnLineOf(next[0])) return text.slice(0, start) + text.slice(next[0])

  const isAlone = isAloneOnLine(text, start, end)
  const from =
    isAlone || text.slice(lineStart(text, start), start).trim() === '' ? ownCommentsStart(text, start) : start
  const [rest = ''] = /^[ \t]*,?(?:[ \t]*#[^\r\n]*)?/.exec(text.slice(end)) ?? []
  const after = isAlone ? text.slice(afterOwnComments(text, end)) : text.slice(end + rest.length)
  const before = text.slice(0, from)
  if (next !== undefined || previous === undefined || rest.includes(',')) return before + after
  // JSON takes no comma behind its last item.
  const comma = before.slice(previous[1]).search(/,/)
  return before.slice(0, previous[1] + comma) + before.slice(previous[1] + comma + 1) + after
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
  if (list.flow) return appendToFlow(text, rangeOf(last), write(''))
  const first = rangeOf(list.items[0])[0]
  const dash = text.slice(lineStart(text, first), first)
  if (!/^ *- +$/.test(dash)) cannotEdit()
  return insertLine(text, contentEnd(last), `${dash}${write(' '.repeat(dash.length))}`)
}

/** On a line of its own where the last item has one, so that the comment beside that one stays beside it. */
function appendToFlow(text: string, [start, end]: readonly [number, number], item: string): string {
  if (!isAloneOnLine(text, start, end)) return `${text.slice(0, end)}, ${item}${text.slice(end)}`
  const indent = text.slice(lineStart(text, start), start)
  const hasComma = /^[ \t]*,/.test(text.slice(end))
  if (hasComma) return insertLine(text, end, `${indent}${item},`)
  return insertLine(`${text.slice(0, end)},${text.slice(end)}`, end, `${indent}${item}`)
}

/** Behind the line of `offset` and the comments that belong to it. */
function insertLine(text: string, offset: number, line: string): string {
  // A block of text reaches over its last line end.
  const at = afterOwnComments(text, text[offset - 1] === '\n' ? offset - 1 : offset)
  const isEnded = text[at - 1] === '\n'
  return isEnded
    ? `${text.slice(0, at)}${line}${lineEnd(text)}${text.slice(at)}`
    : `${text.slice(0, at)}${lineEnd(text)}${line}${text.slice(at)}`
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

function cannotEdit(): never {
  throw new ConfigError(['the file is written in a way that this command cannot edit: please edit it by hand'])
}
