import { isMap, isNode, isScalar, isSeq } from 'yaml'
import type { YAMLSeq } from 'yaml'
import { ConfigError } from '../../model/config-error.ts'
import { afterOwnComments, isAloneOnLine, lineEnd, lineStart, ownCommentsStart } from './text-lines.ts'

/**
 * Appends an item to a list that is not empty.
 *
 * @param write makes the item's text; `indent` is the indentation of its lines after the first, '' in a flow list
 */
export function appendItem(text: string, list: YAMLSeq, write: (indent: string) => string): string {
  const last = list.items.at(-1)
  if (list.flow) return appendToFlow(text, rangeOf(last), write(''))
  const first = rangeOf(list.items[0])[0]
  const dash = text.slice(lineStart(text, first), first)
  if (!/^ *- +$/.test(dash)) cannotEdit()
  return insertLine(text, contentEnd(last), `${dash}${write(' '.repeat(dash.length))}`)
}

/** Uses a line of its own if the last item has one, so that the comment beside that item stays beside it. */
function appendToFlow(text: string, [start, end]: readonly [number, number], item: string): string {
  if (!isAloneOnLine(text, start, end)) return `${text.slice(0, end)}, ${item}${text.slice(end)}`
  const indent = text.slice(lineStart(text, start), start)
  const hasComma = /^[ \t]*,/.test(text.slice(end))
  if (hasComma) return insertLine(text, end, `${indent}${item},`)
  return insertLine(`${text.slice(0, end)},${text.slice(end)}`, end, `${indent}${item}`)
}

/** Inserts a line after the line of `offset` and the comments that belong to it. */
function insertLine(text: string, offset: number, line: string): string {
  // A block of text reaches over its last line end.
  const at = afterOwnComments(text, text[offset - 1] === '\n' ? offset - 1 : offset)
  const isEnded = text[at - 1] === '\n'
  return isEnded
    ? `${text.slice(0, at)}${line}${lineEnd(text)}${text.slice(at)}`
    : `${text.slice(0, at)}${lineEnd(text)}${line}${text.slice(at)}`
}

/** Removes an item of a list with its comments: those beside it, and those on the lines above it. */
export function removeItem(text: string, list: YAMLSeq, index: number): string {
  if (list.flow) return removeFlowItem(text, list, index)
  const item = list.items[index]
  const end = contentEnd(item)
  // A block of text reaches over its last line end.
  const last = text[end - 1] === '\n' ? end - 1 : end
  return text.slice(0, ownCommentsStart(text, rangeOf(item)[0])) + text.slice(afterOwnComments(text, last))
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
  // JSON allows no comma after the last item.
  const comma = before.slice(previous[1]).search(/,/)
  return before.slice(0, previous[1] + comma) + before.slice(previous[1] + comma + 1) + after
}

/** The start and end of a value in the text. Throws ConfigError for an alias. */
export function rangeOf(node: unknown): readonly [start: number, end: number] {
  const range = isScalar(node) || isMap(node) || isSeq(node) ? node.range : undefined
  return range ? [range[0], range[1]] : cannotEdit()
}

/** The end of the last token of a value: the range of a block includes the comments and empty lines after it. */
function contentEnd(node: unknown): number {
  if ((isMap(node) || isSeq(node)) && node.flow !== true) {
    const last = node.items.at(-1)
    if (isNode(last)) return contentEnd(last)
    const pair = last as { key: unknown; value: unknown } | undefined
    return contentEnd(pair?.value ?? pair?.key)
  }
  return rangeOf(node)[1]
}

/** @throws ConfigError always */
export function cannotEdit(): never {
  throw new ConfigError(['the file is written in a way that this command cannot edit: please edit it by hand'])
}
