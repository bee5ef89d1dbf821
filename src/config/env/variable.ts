import type * as parse from './parsers.ts'
import { text } from './parsers.ts'

/** One environment variable: the only place where its default, its form and its meaning are written. */
export interface Variable<T> {
  /** As an operator would type it; undefined: nothing is set. */
  readonly default: string | undefined
  /** With VALIDATION=strict, where it is another. */
  readonly strictDefault?: string
  readonly parse: parse.Parser<T>
  /** For the README's table; says the default in words where there is none to type. */
  readonly doc: string
  readonly defaultDoc?: string
  /** Its value is shown nowhere. */
  readonly secret?: boolean
}

export function optional<T>(defaultDoc: string, parser: parse.Parser<T>, doc: string): Variable<T | undefined> {
  return { default: undefined, parse: parser, doc, defaultDoc }
}

export function secret(doc: string): Variable<string | undefined> {
  return { default: undefined, parse: text, doc, defaultDoc: 'none', secret: true }
}

export function variable<T>(typed: string | number, parser: parse.Parser<T>, doc: string): Variable<T> {
  return { default: String(typed), parse: parser, doc }
}

export function byMode<T>(
  typed: { readonly compatible: number; readonly strict: number },
  parser: parse.Parser<T>,
  doc: string
): Variable<T> {
  return { ...variable(typed.compatible, parser, doc), strictDefault: String(typed.strict) }
}
