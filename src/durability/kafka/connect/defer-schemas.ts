import type { AnySchema, ErrorObject } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'

const { compile } = Ajv2020.prototype

/** A validator that is compiled when it is first asked. */
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

/** From now on ajv compiles at once again, as everybody else expects. */
export function compileAtOnce(): void {
  Object.assign(Ajv2020.prototype, { compile })
}
