import { flushCompileCache } from 'node:module'

/**
 * Writes Node's compile cache now. By itself, Node writes it when a process ends, and not if it is killed. It writes a module's
 * code once, so this is called only after a warm-up, when V8 has compiled what requests need.
 */
export function keepCompiledCode(): void {
  flushCompileCache()
}
