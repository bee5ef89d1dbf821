import type { CodeKeywordDefinition } from 'ajv/dist/2020.js'
import { _ } from 'ajv/dist/2020.js'

/*
 * What the compatible mode asks of null, as keywords of our own. JSON Schema can say both, with `if` and `not`, but the
 * code that ajv writes for those makes an error object and an array for each value that is not null, which is nearly
 * every value of every event. No document can have written these names by chance.
 */

/** Null, or what the schema says: `{ if: { type: 'null' }, else: schema }`. What is wrong is told by the schema alone. */
export const NULL_OR = 'tributary:nullOr'

/** `{ not: { type: 'null' } }`; its value is true. */
export const NOT_NULL = 'tributary:notNull'

const nullOr: CodeKeywordDefinition = {
  keyword: NULL_OR,
  schemaType: ['object', 'boolean'],
  code(cxt) {
    const { gen, data } = cxt
    const valid = gen.name('valid')
    gen.if(
      _`${data} === null`,
      () => gen.var(valid, true),
      () => cxt.mergeEvaluated(cxt.subschema({ keyword: NULL_OR }, valid))
    )
    cxt.ok(valid)
  }
}

const notNull: CodeKeywordDefinition = {
  keyword: NOT_NULL,
  schemaType: 'boolean',
  error: { message: 'must NOT be valid' },
  code: cxt => cxt.fail(_`${cxt.data} === null`)
}

export const OWN_KEYWORDS: readonly CodeKeywordDefinition[] = [nullOr, notNull]
