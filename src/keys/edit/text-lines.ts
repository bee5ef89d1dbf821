/** Where lines begin and end, and which comments belong to what stands on one. Offsets are those of a JavaScript string. */

export const lineStart = (text: string, offset: number): number => text.lastIndexOf('\n', offset - 1) + 1

function afterLine(text: string, offset: number): number {
  const at = text.indexOf('\n', offset)
  return at === -1 ? text.length : at + 1
}

/** The line end that the text uses. */
export const lineEnd = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n')

/** Whether nothing but a comma and a comment stands beside the item on its first and its last line. */
export function isAloneOnLine(text: string, start: number, end: number): boolean {
  const rest = text.slice(end, afterLine(text, end))
  return text.slice(lineStart(text, start), start).trim() === '' && /^[ \t]*,?[ \t]*(?:#.*)?$/.test(rest.trimEnd())
}

const COMMENT_LINE = /^[ \t]*#/
/** An item that somebody has taken out by making it a comment is nobody's comment. */
const FORMER_ITEM = /^[ \t]*#[ \t]*-[ \t]/

/**
 * Where the comments begin that belong to the item at `offset`: those on the lines right above it, but for those that
 * go on with the comment beside the line before.
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
 * Behind the line of `offset`, and behind the lines that go on with the comment at its end: those that have nothing but
 * a comment, in the same column.
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

/** Where the comment behind something else on the line begins; -1 where there is none. A # in quotes begins none. */
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
