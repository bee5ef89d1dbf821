/** Finds lines, and the comments that belong to an item. Offsets are in UTF-16 units, as in JavaScript strings. */

export const lineStart = (text: string, offset: number): number => text.lastIndexOf('\n', offset - 1) + 1

function afterLine(text: string, offset: number): number {
  const at = text.indexOf('\n', offset)
  return at === -1 ? text.length : at + 1
}

/** The line end that the text uses. */
export const lineEnd = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n')

/** Whether the item has only a comma and a comment beside it on its first and its last line. */
export function isAloneOnLine(text: string, start: number, end: number): boolean {
  const rest = text.slice(end, afterLine(text, end))
  return text.slice(lineStart(text, start), start).trim() === '' && /^[ \t]*,?[ \t]*(?:#.*)?$/.test(rest.trimEnd())
}

const COMMENT_LINE = /^[ \t]*#/
/** An item that is commented out. It belongs to no other item. */
const FORMER_ITEM = /^[ \t]*#[ \t]*-[ \t]/

/**
 * The start of the comments that belong to the item at `offset`: the lines directly above it, without those that continue the
 * comment beside an earlier line.
 */
export function ownCommentsStart(text: string, offset: number): number {
  let at = lineStart(text, offset)
  while (at > 0) {
    const above = lineStart(text, at - 1)
    const line = text.slice(above, at)
    if (!COMMENT_LINE.test(line) || FORMER_ITEM.test(line)) break
    at = above
  }
  return Math.min(lineStart(text, offset), at === 0 ? 0 : Math.max(at, afterOwnComments(text, at - 1)))
}

/**
 * The end of the line of `offset` and of the lines that continue the comment at its end: those with only a comment, in the
 * same column.
 */
export function afterOwnComments(text: string, offset: number): number {
  let at = afterLine(text, offset)
  const first = text.slice(lineStart(text, offset), at)
  const column = commentColumn(first)
  if (column === -1) return at
  while (at < text.length) {
    const next = afterLine(text, at)
    if (text.slice(at, next).search(/\S/) !== column || text[at + column] !== '#') break
    at = next
  }
  return at
}

/** The column of a comment after other text of the line; -1 if there is none. A # in quotes starts no comment. */
function commentColumn(line: string): number {
  let quote = ''
  for (let at = 1; at < line.length; at++) {
    const [before, char] = [line[at - 1] ?? '', line[at] ?? '']
    if (quote !== '') {
      if (quote === '"' && char === '\\') at++
      else if (char === quote) quote = ''
    } else if (char === '#' && /\s/.test(before)) {
      return line.slice(0, at).trim() === '' ? -1 : at
    } else if (/["']/.test(char) && /[\s,[{]/.test(before)) {
      quote = char
    }
  }
  return -1
}
