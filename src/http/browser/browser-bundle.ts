import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

/** A file that browsers load, ready to be sent. */
export interface Asset {
  readonly bytes: Buffer
  readonly gzipped: Buffer
  /** A hash of the bytes, to make an entity tag of. */
  readonly hash: string
}

export interface BrowserBundle {
  /** analytics.js for a page's script tag. */
  readonly script: Asset
  /** The parts that it loads when a page asks for them, by file name; the name changes with the content. */
  readonly parts: ReadonlyMap<string, Asset>
}

const PACKAGE = '@segment/analytics-next'
const PRELUDE = new URL('browser-prelude.js', import.meta.url)

/**
 * Where the bundle sends figures about its own failures, with the write key, when it has no settings: the one default
 * of its vendor's that the prelude cannot reach from outside.
 */
const VENDOR_API_HOST = '"api.segment.io/v1"'

const compress = promisify(gzip)

/**
 * The standalone bundle of @segment/analytics-next as it lies in the installed package, with its licence on top and
 * our prelude in front. Read and compressed once. Throws where the package is missing or is not what we know.
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

/** Without the pointer to its source map, which is not served. */
function readPart(folder: string, name: string): string {
  return readFileSync(join(folder, name), 'utf8').replace(/\/\/# sourceMappingURL=.*\s*$/, '')
}

function keepFromVendor(bundle: string): string {
  const [before, after, ...more] = bundle.split(VENDOR_API_HOST)
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`this version of ${PACKAGE} names ${VENDOR_API_HOST} in other ways than the one that is known`)
  return `${before}tributaryApiHost${after}`
}

async function toAsset(text: string): Promise<Asset> {
  const bytes = Buffer.from(text)
  const hash = createHash('sha256').update(bytes).digest('base64url').slice(0, 22)
  return { bytes, gzipped: await compress(bytes, { level: 9 }), hash }
}
