/** Keywords of JSON Schema that assert something; all others are notes. */
export const ASSERTIONS: ReadonlySet<string> = new Set([
  ...['$ref', 'allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas', 'dependentRequired'],
  ...['dependencies', 'properties', 'patternProperties', 'additionalProperties', 'propertyNames'],
  ...['unevaluatedProperties', 'unevaluatedItems', 'prefixItems', 'items', 'contains', 'minContains', 'maxContains'],
  ...['type', 'enum', 'const', 'multipleOf', 'maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum'],
  ...['maxLength', 'minLength', 'pattern', 'maxItems', 'minItems', 'uniqueItems', 'maxProperties', 'minProperties'],
  ...['required', 'format']
])
