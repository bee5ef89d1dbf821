import type * as parse from './parsers.ts'
import { text } from './parsers.ts'

/** An environment variable. Its default, its form and its meaning are defined only here. */
export interface Variable<T> {
  /** The default as an operator would type it; undefined: none. */
  readonly default: string | undefined
  /** The default with VALIDATION=strict, if it differs. */
  readonly strictDefault?: string
  readonly parse: parse.Parser<T>
  /** The default in the README's table, as text, if there is none to type. */
  readonly doc: string
  readonly defaultDoc?: string
  /** True if its value must not be shown. */
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
