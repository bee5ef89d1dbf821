import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: { start: string } }
const [, ...given] = scripts.start.split(' ')

/** What follows `node` in `npm start`, to be started from any folder. */
export const START_ARGS: readonly string[] = given.map(each => (each.startsWith('-') ? each : join(ROOT, each)))
