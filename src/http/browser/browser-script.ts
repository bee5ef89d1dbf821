import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Asset } from './browser-bundle.ts'
import { loadBrowserBundle } from './browser-bundle.ts'
import type { PathKeyOptions, PathKeyRoute } from '../caller/path-key.ts'
import { checkPathKey } from '../caller/path-key.ts'
import type { Answerable } from '../replies.ts'
import { errorAnswer, sendAnswer } from '../replies.ts'

/** The script's URL never changes, so an upgrade of the server reaches a page after a day. A page never waits for it. */
const SCRIPT_CACHING = 'public, max-age=86400, stale-while-revalidate=604800'
/** The names of the chunks change with their content. */
const PART_CACHING = 'public, max-age=31536000, immutable'

const SCRIPT_TYPE = 'text/javascript; charset=utf-8'

/** A page whose SDK did not load sends nothing, and does not load the SDK again. */
const config = { exemptFromLoadShedding: true }

/** Registers the script of the page's tag, and the chunks that the script loads. The bytes are the same for every key. */
export async function registerBrowserScript(app: FastifyInstance, options: PathKeyOptions): Promise<void> {
  const { script, parts } = await loadBrowserBundle()
  const scriptPath = '/analytics.js/v1/:writeKey/analytics.min.js'
  app.get<PathKeyRoute>(scriptPath, { config }, async (request, reply) => {
    if (checkPathKey(request, reply, options, sendRefusal) === undefined) return reply
    return sendAsset(request, reply.header('cache-control', SCRIPT_CACHING), script)
  })

  const partPath = '/analytics-next/bundles/:file'
  app.get<{ Params: { file: string } }>(partPath, { config }, async (request, reply) => {
    const part = parts.get(request.params.file)
    if (part === undefined) return sendRefusal(reply, errorAnswer('not_found'))
    return sendAsset(request, reply.header('cache-control', PART_CACHING), part)
  })
}

function sendAsset(request: FastifyRequest, reply: FastifyReply, { bytes, gzipped, hash }: Asset): FastifyReply {
  const isGzip = accepts(request.headers['accept-encoding'], 'gzip')
  // Each encoding is a representation of its own (RFC 9110, 8.8.3.3).
  const tag = isGzip ? `"${hash}-gzip"` : `"${hash}"`
  forPages(reply).header('content-type', SCRIPT_TYPE).header('etag', tag)
  reply.header('vary', 'accept-encoding')
  if (isNotModified(request.headers['if-none-match'], tag)) return reply.code(304).send()
  if (isGzip) reply.header('content-encoding', 'gzip')
  return reply.send(isGzip ? gzipped : bytes)
}

/** Sends an error as a script: browsers block JSON where they expect a script, and then hide the status too. */
function sendRefusal(reply: FastifyReply, answer: Answerable): FastifyReply {
  const body = `console.error("Tributary sends no script:", ${answer.body})\n`
  return sendAnswer(forPages(reply), { ...answer, body, type: SCRIPT_TYPE })
}

/** Adds the headers of a script that pages of any origin may load. */
function forPages(reply: FastifyReply): FastifyReply {
  return reply.header('x-content-type-options', 'nosniff').header('cross-origin-resource-policy', 'cross-origin')
}

/** Whether Accept-Encoding lists an encoding, but not with `q=0`. */
function accepts(header: string | string[] | undefined, encoding: string): boolean {
  const wanted = String(header ?? '')
    .split(',')
    .map(item => item.trim().toLowerCase())
    .find(item => item === encoding || item.startsWith(`${encoding};`))
  return wanted !== undefined && !/;\s*q=0(\.0*)?$/.test(wanted)
}

/** Compares weakly (RFC 9110, 13.1.2), because proxies that compress turn strong tags into weak tags. */
function isNotModified(header: string | undefined, tag: string): boolean {
  const tags = (header ?? '').split(',').map(item => item.trim().replace(/^W\//, ''))
  return tags.includes(tag) || tags.includes('*')
}
