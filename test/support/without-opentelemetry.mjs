/** `--import` of a server for which OpenTelemetry's packages are not installed, but for the API, which the metrics client needs. */
import { registerHooks } from 'node:module'

registerHooks({
  resolve(specifier, context, next) {
    if (!/^@opentelemetry\/(?!api$)/.test(specifier)) return next(specifier, context)
    throw Object.assign(new Error(`Cannot find package '${specifier}'`), { code: 'ERR_MODULE_NOT_FOUND' })
  }
})
