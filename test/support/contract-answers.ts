import type { Test } from 'tap'
import type { ValidateFunction } from 'ajv/dist/2020.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { addSafeFormats } from '../../src/contract/formats.ts'
import type { Json } from '../../src/contract/document.ts'
import { escapeKey, isObject, loadContract, resolvePath } from '../../src/contract/document.ts'

export interface HttpAnswer {
  readonly method: string
  /** As requested: with or without `/v1`, a trailing slash, a query. */
  readonly path: string
  readonly status: number
  /** Names in lower case, as Node and Fastify's inject give them. */
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string | Buffer
}

const contract = loadContract(new URL('../../openapi.yml', import.meta.url).pathname)
const compiled = new Map<string, ValidateFunction>()

/**
 * Fails `t` unless openapi.yml documents exactly this answer: the status for the path and method, the required headers,
 * one of its content types, and a body that matches its schema and has no keys beyond it. Paths and methods that the
 * contract does not have may answer with its reusable responses.
 */
export function assertAnswerMatchesContract(t: Test, answer: HttpAnswer): void {
  t.same(
    answerFaults(answer),
    [],
    `the answer ${answer.status} to ${answer.method} ${answer.path} follows the contract`
  )
}

/** The differences of an answer from the contract, as text; empty if there are none. */
export function answerFaults({ method, path, status, headers, body }: HttpAnswer): string[] {
  if (method === 'OPTIONS')
    return status === 204 && body.length === 0 ? [] : ['a preflight is answered 204 without a body']
  const response = findResponse(method.toLowerCase(), path, status)
  if (response === undefined) return [`status ${status} is not documented for ${method} ${path}`]
  return [
    ...headerFaults(response.node, headers),
    ...bodyFaults(response, headers, method === 'HEAD' ? undefined : body)
  ]
}

/** The place in the contract with the answers of paths and methods that it does not describe. */
const ELSEWHERE = 'x-answers-elsewhere'

/** Answers that do not depend on the path: the path may not exist, or Node answers before it is read. */
const ANYWHERE: Readonly<Record<number, string>> = {
  400: 'InvalidPayload',
  404: 'NotFound',
  408: 'RequestTimeout',
  414: 'UriTooLong',
  429: 'TooManyRequests',
  431: 'HeadersTooLarge',
  503: 'Unavailable'
}

type Located = ReturnType<typeof resolvePath>

function findResponse(method: string, path: string, status: number): Located | undefined {
  const template = findTemplate(path)
  const item = template === undefined ? undefined : resolvePath(contract, ['paths', template]).node
  const operation = method === 'head' && item?.['head'] === undefined ? 'get' : method
  if (template === undefined || !isObject(item?.[operation])) {
    if (status === 405) return resolvePath(contract, [ELSEWHERE, 'responses', '405'])
    const name = ANYWHERE[status]
    return name === undefined ? undefined : resolvePath(contract, ['components', 'responses', name])
  }
  const responses = resolvePath(contract, ['paths', template, operation, 'responses'])
  return String(status) in responses.node
    ? resolvePath(contract, ['paths', template, operation, 'responses', String(status)])
    : undefined
}

function findTemplate(path: string): string | undefined {
  const bare = path.replace(/\?.*$/s, '').replace(/(?<=.)\/$/, '')
  const candidates = [bare, bare.replace(/^\/v1(?=\/)/, '')]
  return Object.keys(contract.paths).find(template => {
    const pattern = new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`)
    return candidates.some(candidate => pattern.test(candidate))
  })
}

function headerFaults(response: Json, headers: HttpAnswer['headers']): string[] {
  const declared = isObject(response['headers']) ? Object.keys(response['headers']) : []
  return declared.flatMap(name => {
    const { node } = locateIn(response, ['headers', name])
    const value = headers[name.toLowerCase()]
    if (value === undefined) return node['required'] === true ? [`the header ${name} is missing`] : []
    const schema = node['schema'] as Json
    const typed = schema['type'] === 'integer' && /^\d+$/.test(String(value)) ? Number(value) : value
    const validate = compile(`header ${name}`, schema)
    return validate(typed) ? [] : [`the header ${name} is ${String(value)}: ${explain(validate)}`]
  })
}

function bodyFaults(response: Located, headers: HttpAnswer['headers'], body: string | Buffer | undefined): string[] {
  const content = response.node['content']
  if (!isObject(content)) return []
  const type =
    String(headers['content-type'] ?? '')
      .split(';')[0]
      ?.trim() ?? ''
  if (!(type in content)) return [`the content type is ${type || 'missing'}, not ${Object.keys(content).join(' or ')}`]
  const media = content[type]
  if (body === undefined || !isObject(media) || media['schema'] === undefined) return []
  let value: unknown
  try {
    value = JSON.parse(body.toString())
  } catch {
    return ['the body is not JSON']
  }
  const ref = `${response.ref}/content/${escapeKey(type)}/schema`
  const validate = compile(ref, { $ref: `contract${ref}` })
  return validate(value) ? [] : [`the body does not match: ${explain(validate)}`]
}

function locateIn(node: Json, keys: readonly string[]): Located {
  return resolvePath({ ...contract, node }, ['node', ...keys])
}

const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true, allErrors: true })
ajv.addVocabulary(['components', 'paths', ELSEWHERE])
addSafeFormats(ajv)
ajv.addSchema(
  {
    components: { ...contract.components, schemas: closed(contract.components.schemas) },
    paths: contract.paths,
    [ELSEWHERE]: contract[ELSEWHERE]
  },
  'contract'
)

function compile(key: string, schema: Json): ValidateFunction {
  let validate = compiled.get(key)
  if (validate === undefined) compiled.set(key, (validate = ajv.compile(schema)))
  return validate
}

/**
 * Answers must be documented completely: an object with named properties has no others, unless its schema allows them.
 */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed)
  if (!isObject(schema)) return schema
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]))
  const isOpen = schema['type'] === 'object' && isObject(schema['properties']) && !('additionalProperties' in schema)
  return isOpen ? { ...inner, additionalProperties: false } : inner
}

function explain(validate: ValidateFunction): string {
  return (validate.errors ?? [])
    .map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`)
    .join('; ')
}
