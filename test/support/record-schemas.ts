import { Ajv2020 } from 'ajv/dist/2020.js'
import { readFileSync } from 'node:fs'
import { addSafeFormats } from '../../src/contract/formats.ts'

const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false })
addSafeFormats(ajv)

function compile(name: string) {
  const file = new URL(`../../schemas/${name}.schema.json`, import.meta.url)
  return ajv.compile(JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>)
}

const SCHEMAS = { event: compile('event'), rejected: compile('rejected'), violation: compile('violation') }

/** Why the value of a record does not match the schema of its kind; undefined if it does. */
export function recordFault(kind: keyof typeof SCHEMAS, json: string): string | undefined {
  const check = SCHEMAS[kind]
  return check(JSON.parse(json))
    ? undefined
    : `${kind} record: ${ajv.errorsText(check.errors)}: ${json.slice(0, 2_000)}`
}
