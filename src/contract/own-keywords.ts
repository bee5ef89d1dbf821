import type { _ as Template, Code, CodeKeywordDefinition, Name } from 'ajv/dist/2020.js'

/*
 * Keywords of our own for what the compatible mode accepts in addition. JSON Schema can express the same with `if` and
 * `not`, but ajv's code for those creates an error object and an array for each value that is not null, which is nearly
 * every value of every event. The prefix makes a collision with a keyword of a document impossible in practice.
 */

/** Null, or a value that the schema accepts: `{ if: { type: 'null' }, else: schema }`. Errors come from the schema alone. */
export const NULL_OR = 'tributary:nullOr'

/** An empty array, or a value that the schema accepts. */
export const EMPTY_ARRAY_OR = 'tributary:emptyArrayOr'

/** Keywords that hold a schema, which is not applied to the exception in the keyword's name. */
export const WRAPPERS: readonly string[] = [NULL_OR, EMPTY_ARRAY_OR]

/** `{ not: { type: 'null' } }`; its value is true. */
export const NOT_NULL = 'tributary:notNull'

/** @param isException generates code that is true if the schema is not applied to the value */
function wrapper(keyword: string, isException: (data: Name) => Code): CodeKeywordDefinition {
  return {
    keyword,
    schemaType: ['object', 'boolean'],
    code(cxt) {
      const { gen, data } = cxt
      const valid = gen.name('valid')
      gen.if(
        isException(data),
        () => gen.var(valid, true),
        () => cxt.mergeEvaluated(cxt.subschema({ keyword }, valid))
      )
      cxt.ok(valid)
    }
  }
}

/** The definitions of the keywords. @param _ ajv's template of code, which is loaded only where something is compiled */
export function ownKeywords(_: typeof Template): readonly CodeKeywordDefinition[] {
  return [
    wrapper(NULL_OR, data => _`${data} === null`),
    wrapper(EMPTY_ARRAY_OR, data => _`Array.isArray(${data}) && ${data}.length === 0`),
    {
      keyword: NOT_NULL,
      schemaType: 'boolean',
      error: { message: 'must NOT be valid' },
      code: cxt => cxt.fail(_`${cxt.data} === null`)
    }
  ]
}
