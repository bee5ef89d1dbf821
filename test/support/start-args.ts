import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')

/**
 * The arguments of `node` in a checkout's `npm start`, so that its server can be started from any folder.
 *
 * @param root the folder of the checkout
 */
export function startArgsOf(root: string): readonly string[] {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } }
  const [, ...given] = scripts.start.split(' ')
  return given.map(each => (each.startsWith('-') ? each : resolve(root, each)))
}

/** The arguments of this checkout. */
export const START_ARGS: readonly string[] = startArgsOf(ROOT)
