import type { AnySchema, ErrorObject } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'

const { compile } = Ajv2020.prototype

/** Returns a validator that compiles its schema at the first call. */
function compileLater(this: Ajv2020, ...args: [schema: AnySchema, meta?: boolean]): unknown {
  let compiled: ReturnType<typeof compile> | undefined
  const validate = (data: unknown): boolean => {
    compiled ??= Reflect.apply(compile, this, args)
    const isValid = compiled(data) === true
    validate.errors = compiled.errors
    return isValid
  }
  validate.errors = undefined as ErrorObject[] | null | undefined
  return validate
}

Object.assign(Ajv2020.prototype, { compile: compileLater })

/** Restores Ajv's own `compile`, for all schemas that are compiled from now on. */
export function restoreCompile(): void {
  Object.assign(Ajv2020.prototype, { compile })
}
