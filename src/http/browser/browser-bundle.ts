import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

/** A file for browsers, in the forms in which it is sent. */
export interface Asset {
  readonly bytes: Buffer
  readonly gzipped: Buffer
  /** A hash of the bytes, for the entity tag. */
  readonly hash: string
}

export interface BrowserBundle {
  /** analytics.js, for the script tag of a page. */
  readonly script: Asset
  /** The chunks that the script loads on demand, by file name; the name changes with the content. */
  readonly parts: ReadonlyMap<string, Asset>
}

const PACKAGE = '@segment/analytics-next'
const PRELUDE = new URL('browser-prelude.js', import.meta.url)

/**
 * The host to which the bundle sends metrics about its own failures, with the write key, if it has no settings. The
 * prelude cannot change this default, so its text is replaced in the bundle.
 */
const VENDOR_API_HOST = '"api.segment.io/v1"'

const compress = promisify(gzip)

/**
 * Loads the standalone bundle of the installed @segment/analytics-next, puts its licence and our prelude before it, and
 * compresses it. Throws if the package is missing or its bundle does not have the expected form.
 */
export async function loadBrowserBundle(): Promise<BrowserBundle> {
  const home = dirname(createRequire(import.meta.url).resolve(`${PACKAGE}/package.json`))
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { version: string }
  const folder = join(home, 'dist', 'umd')
  const licence = `/*! ${PACKAGE} ${version}\n\n${readFileSync(join(home, 'LICENSE.MD'), 'utf8').trim()}\n*/\n`
  const prelude = readFileSync(PRELUDE, 'utf8').replaceAll(/^\s*(\/\/|\/\*).*\n/gm, '')
  const bundle = keepFromVendor(readPart(folder, 'standalone.js'))
  const names = readdirSync(folder).filter(name => /\.bundle\.\w+\.js$/.test(name))
  const parts = names.map(async name => [name, await toAsset(licence + readPart(folder, name))] as const)
  return {
    script: await toAsset(`${licence}!function(){\n${prelude}${bundle}}();\n`),
    parts: new Map(await Promise.all(parts))
  }
}

/** Removes the reference to the source map, which is not served. */
function readPart(folder: string, name: string): string {
  return readFileSync(join(folder, name), 'utf8').replace(/\/\/# sourceMappingURL=.*\s*$/, '')
}

function keepFromVendor(bundle: string): string {
  const [before, after, ...more] = bundle.split(VENDOR_API_HOST)
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(
      `the bundle of ${PACKAGE} does not contain ${VENDOR_API_HOST} exactly once, so it cannot be replaced`
    )
  return `${before}tributaryApiHost${after}`
}

async function toAsset(text: string): Promise<Asset> {
  const bytes = Buffer.from(text)
  const hash = createHash('sha256').update(bytes).digest('base64url').slice(0, 22)
  return { bytes, gzipped: await compress(bytes, { level: 9 }), hash }
}
