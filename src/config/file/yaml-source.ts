import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml'
import type { Document, Node, YAMLMap } from 'yaml'
import { ConfigError } from '../../model/config-error.ts'

/** The keys and indexes from the root of a document to a value. */
export type Path = readonly (string | number)[]

/** A problem with the value at `path`, or with the key `key` of the map there. */
export interface Finding {
  readonly path: Path
  readonly key?: string
  readonly message: string
}

/** A parsed YAML text with the position of each value. */
export interface YamlSource {
  readonly data: unknown
  /** Formats findings as `file:line:column: subject: message`, in the order of the file. */
  report(findings: readonly Finding[]): string[]
  /** The position of a value, as `file:line:column: subject`. */
  place(path: Path): string
}

/**
 * Parses one YAML document. Throws ConfigError if the text is not valid YAML. The messages never quote the text, because a
 * key may be at the position of a syntax error.
 */
export function parseYaml(text: string, fileName: string): YamlSource {
  const lines = new LineCounter()
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset)
    return `${fileName}:${Math.max(line, 1)}:${Math.max(col, 1)}`
  }
  const document = parseSafely(text, fileName, lines)
  if (document.errors.length > 0) throw new ConfigError(syntaxProblems(document, lines, place))
  return {
    data: toData(document, place),
    report(findings) {
      return findings
        .map(finding => ({ offset: offsetOf(document, finding), finding }))
        .toSorted((a, b) => a.offset - b.offset)
        .map(({ offset, finding }) => `${place(offset)}: ${subject(finding.path)}${finding.message}`)
    },
    place: path => `${place(offsetOf(document, { path, message: '' }))}: ${formatPath(path)}`
  }
}

function parseSafely(text: string, fileName: string, lineCounter: LineCounter): Document.Parsed {
  try {
    // A pretty error would quote the line.
    return parseDocument(text, { lineCounter, prettyErrors: false })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new ConfigError([`${fileName}:1:1: not valid YAML: nested too deep`], { cause: error })
  }
}

/** The first syntax problem of each line, because the others of a line mostly follow from it. */
function syntaxProblems(document: Document.Parsed, lines: LineCounter, place: (offset: number) => string): string[] {
  const firstOfLine = new Map<number, string>()
  for (const { pos, message } of document.errors) {
    const { line } = lines.linePos(pos[0])
    if (!firstOfLine.has(line)) firstOfLine.set(line, `${place(pos[0])}: not valid YAML: ${withoutQuote(message)}`)
  }
  return [...firstOfLine.values()]
}

function toData(document: Document.Parsed, place: (offset: number) => string): unknown {
  try {
    return document.toJS()
  } catch (error) {
    let offset = 0
    visit(document, {
      Alias(_key, alias) {
        offset = alias.range?.[0] ?? 0
        return alias.resolve(document) === undefined ? visit.BREAK : undefined
      }
    })
    const problem = 'not valid YAML: an alias without its anchor, or too many aliases'
    throw new ConfigError([`${place(offset)}: ${problem}`], { cause: error })
  }
}

/** Removes the text that the library quotes after a colon or after certain words. */
function withoutQuote(message: string): string {
  return message.replace(/: .*$/s, '').replace(/^(Invalid escape sequence) .*$/s, '$1')
}

/** Formats a path as `sources[0].writeKeys[1]`. */
export function formatPath(path: Path): string {
  return path
    .map(step => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .slice(1)
}

function subject(path: Path): string {
  return path.length === 0 ? '' : `${formatPath(path)}: `
}

function offsetOf(document: Document.Parsed, { path, key }: Finding): number {
  let node: unknown = document.contents
  let offset = nodeOffset(node) ?? 0
  for (const step of path) {
    node = child(resolved(node, document), step)
    offset = nodeOffset(node) ?? offset
  }
  const map = resolved(node, document)
  return (key !== undefined && isMap(map) ? nodeOffset(pairOf(map, key)?.key) : undefined) ?? offset
}

function resolved(node: unknown, document: Document.Parsed): unknown {
  return isAlias(node) ? node.resolve(document) : node
}

function child(node: unknown, step: string | number): unknown {
  if (isMap(node)) return pairOf(node, String(step))?.value
  return isSeq(node) ? node.items[Number(step)] : undefined
}

function pairOf(map: YAMLMap, key: string): { key: unknown; value: unknown } | undefined {
  return map.items.find(pair => isScalar(pair.key) && String(pair.key.value) === key)
}

function nodeOffset(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0]
}
