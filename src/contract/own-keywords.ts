import type { Code, CodeKeywordDefinition, Name } from 'ajv/dist/2020.js'
import { _ } from 'ajv/dist/2020.js'

/*
 * What the compatible mode takes besides, as keywords of our own. JSON Schema can say the same with `if` and `not`, but the
 * code that ajv writes for those makes an error object and an array for each value that is not null, which is nearly
 * every value of every event. No document can have written these names by chance.
 */

/** Null, or what the schema says: `{ if: { type: 'null' }, else: schema }`. What is wrong is told by the schema alone. */
export const NULL_OR = 'tributary:nullOr'

/** The same for an array without items. */
export const EMPTY_ARRAY_OR = 'tributary:emptyArrayOr'

/** Keywords that hold a schema which only values are asked about that are not the exception in the keyword's name. */
export const WRAPPERS: readonly string[] = [NULL_OR, EMPTY_ARRAY_OR]

/** `{ not: { type: 'null' } }`; its value is true. */
export const NOT_NULL = 'tributary:notNull'

/** @param isException code that tells whether the value need not be asked */
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

const nullOr = wrapper(NULL_OR, data => _`${data} === null`)
const emptyArrayOr = wrapper(EMPTY_ARRAY_OR, data => _`Array.isArray(${data}) && ${data}.length === 0`)

const notNull: CodeKeywordDefinition = {
  keyword: NOT_NULL,
  schemaType: 'boolean',
  error: { message: 'must NOT be valid' },
  code: cxt => cxt.fail(_`${cxt.data} === null`)
}

export const OWN_KEYWORDS: readonly CodeKeywordDefinition[] = [nullOr, emptyArrayOr, notNull]
