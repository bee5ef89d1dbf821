import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type * as AjvModule from 'ajv/dist/2020.js'
import type * as StandaloneModule from 'ajv/dist/standalone/index.js'
import type { ErrorObject, ValidateFunction } from 'ajv'
import { CACHE_DIR, keptCode } from '../../disk/kept-code.ts'
import { suggest } from '../suggest.ts'
import type { Finding, Path } from './yaml-source.ts'

const SCHEMA_FILE = join(import.meta.dirname, '..', '..', '..', 'schemas', 'config.schema.json')
/** Ajv is loaded only where the schema is compiled. */
const require = createRequire(import.meta.url)

let validator: ValidateFunction | undefined

/** The compiled schema, which is kept for later starts. */
function openValidator(): ValidateFunction {
  const schema = readFileSync(SCHEMA_FILE, 'utf8')
  const files = [import.meta.filename, require.resolve('ajv/package.json')]
  return keptCode({
    dir: CACHE_DIR,
    from: [schema, ...files.map(file => readFileSync(file, 'utf8'))],
    make() {
      const { Ajv2020 } = require('ajv/dist/2020.js') as typeof AjvModule
      const { default: standaloneCode } = require('ajv/dist/standalone') as typeof StandaloneModule.default
      // A test checks that the schema is valid, so that a start need not.
      const options = { allErrors: true, verbose: true, strict: true, allowUnionTypes: true, validateSchema: false }
      const ajv = new Ajv2020({ ...options, code: { source: true } })
      const exports: ValidateFunction = ajv.compile(JSON.parse(schema) as object)
      return { exports, text: standaloneCode(ajv, exports) }
    }
  })
}

/** Checks `data` against schemas/config.schema.json. The messages use the schema's descriptions. */
export function schemaFindings(data: unknown): Finding[] {
  if (data === null || data === undefined) return [{ path: [], message: 'the file is empty: it needs "sources"' }]
  const validate = (validator ??= openValidator())
  return validate(data) ? [] : toFindings(validate.errors ?? [], data)
}

/** Converts errors of ajv (with `verbose`) to findings. */
export function toFindings(errors: readonly ErrorObject[], data: unknown): Finding[] {
  return errors.map(error => toFinding(error, data))
}

function toFinding(error: ErrorObject, data: unknown): Finding {
  const path = toPath(error.instancePath, data)
  const params = error.params as { missingProperty?: string; additionalProperty?: string; type?: string | string[] }
  if (error.keyword === 'required') return { path, message: `${params.missingProperty} is missing` }
  if (error.keyword === 'additionalProperties') {
    return unknownKey(path, params.additionalProperty ?? '', error.parentSchema)
  }
  if (error.keyword === 'type') return { path, message: wrongType(error, [params.type ?? []].flat()) }
  return { path, message: describe(error) }
}

function unknownKey(path: Path, key: string, parent: ErrorObject['parentSchema']): Finding {
  const known = Object.keys((parent as { properties?: object } | undefined)?.properties ?? {})
  const meant = suggest(key, known)
  // In a file that is being edited, a write key may be in the place of a keyword. It must not be quoted.
  const name = /^[A-Za-z_-]{1,24}$/.test(key) ? `"${key}" ` : ''
  const hint = meant === undefined ? `known are ${known.join(', ')}` : `did you mean ${meant}?`
  return { path, key, message: `${name}is not a known key here; ${hint}` }
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  array: 'a list',
  object: 'a map of keys and values',
  string: 'text',
  number: 'a number',
  boolean: 'true or false'
}

function wrongType(error: ErrorObject, types: readonly string[]): string {
  const type = types.find(each => each !== 'null') ?? ''
  const keys = Object.keys((error.parentSchema as { properties?: object } | undefined)?.properties ?? {})
  const wanted =
    type === 'object' && keys.length > 0
      ? `a map with keys of ${keys.join(', ')}`
      : (TYPE_WORDS[type] ?? types.join(' or '))
  if (error.data === null) return `is empty; expected ${wanted}`
  const quoted = wanted === TYPE_WORDS['string'] && typeof error.data !== 'object'
  return `expected ${wanted}${quoted ? '; write it in quotes' : ''}`
}

function describe({ parentSchema, message }: ErrorObject): string {
  const description = (parentSchema as { description?: string } | undefined)?.description
  return description === undefined ? (message ?? 'is not valid') : `expected ${lowerFirst(firstSentence(description))}`
}

const firstSentence = (text: string): string => text.replace(/\.(\s.*)?$/s, '')

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)

/** Converts a JSON pointer to a path; an index of a list becomes a number. */
function toPath(pointer: string, data: unknown): Path {
  let at = data
  return pointer
    .split('/')
    .slice(1)
    .map(part => {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
      const step = Array.isArray(at) ? Number(name) : name
      at = (at as Record<string | number, unknown>)[step]
      return step
    })
}
