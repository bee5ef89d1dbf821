import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export interface PageFile {
  readonly type: string
  readonly body: string
}

const require = createRequire(import.meta.url)

const SCRIPT = 'text/javascript; charset=utf-8'
const STYLE = 'text/css; charset=utf-8'

/** The page's libraries as published on npm, by the file name that the page's modules import. */
export function vendorFiles(): ReadonlyMap<string, PageFile> {
  const preact = dirname(require.resolve('preact'))
  const htm = dirname(require.resolve('htm'))
  const uplot = dirname(require.resolve('uplot'))
  return new Map([
    ['preact.js', script(join(preact, 'preact.mjs'))],
    ['preact-hooks.js', script(require.resolve('preact/hooks'))],
    ['htm.js', script(join(htm, 'htm.mjs'))],
    ['uplot.js', script(join(uplot, 'uPlot.esm.js'))],
    ['uplot.css', { type: STYLE, body: readFileSync(join(uplot, 'uPlot.min.css'), 'utf8') }]
  ])
}

/** Replaces imports of packages by paths, because a browser has no package names. */
function script(file: string): PageFile {
  const text = readFileSync(file, 'utf8')
  const body = text.replaceAll(/(from\s*)(["'])preact\2/g, '$1$2./preact.js$2')
  return { type: SCRIPT, body: body.replace(/\n\/\/# sourceMappingURL=\S+\s*$/, '\n') }
}
