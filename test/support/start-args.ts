import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')

/**
 * The arguments of `node` in a checkout's `npm start`, so that its server can be started from any folder.
 *
 * @param root the folder of the checkout
 */
export function startArgsOf(root: string): readonly string[] {
  const words = startScriptOf(root).split(' ')
  return words.slice(words.indexOf('node') + 1).map(each => (each.startsWith('-') ? each : resolve(root, each)))
}

/**
 * The variables that a checkout's `npm start` sets.
 *
 * @param root the folder of the checkout
 */
export function startEnvOf(root: string): Record<string, string> {
  const set = startScriptOf(root).matchAll(/(\w+)=\$\{\1:-(\w+)\}/g)
  return Object.fromEntries(Array.from(set, ([, name, value]) => [name, value]))
}

function startScriptOf(root: string): string {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } }
  return scripts.start
}

/** The arguments of this checkout. */
export const START_ARGS: readonly string[] = startArgsOf(ROOT)

/** The variables of this checkout. */
export const START_ENV: Readonly<Record<string, string>> = startEnvOf(ROOT)
