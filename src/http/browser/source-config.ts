import type { FastifyInstance } from 'fastify'
import { sourceForDocument, refuseKey } from '../caller/authenticate.ts'
import { checkHead, findCaller } from '../caller/caller.ts'
import { withVersion } from '../paths.ts'
import type { PathKeyOptions } from '../caller/path-key.ts'
import { JSON_TYPE } from '../replies.ts'

/** A page asks each time it is opened. */
const CACHING = 'private, max-age=600'

/** An SDK without this document sends nothing. */
const config = { exemptFromLoadShedding: true }

/**
 * The document that RudderStack's browser SDK needs before it sends (3.34.1: an object `source` with an id, an object
 * `config` and an array of destinations). It has no destination and no `statsCollection`, so that the SDK loads no code of
 * its vendor and sends no metrics. It is the same for all sources.
 */
const SOURCE_CONFIG = JSON.stringify({ source: { id: 'tributary', enabled: true, config: {}, destinations: [] } })

/** Registers the document that RudderStack's SDKs fetch first. The Origin is not checked, as for Segment's settings. */
export function registerSourceConfig(app: FastifyInstance, { authenticator, onRefused }: PathKeyOptions): void {
  for (const path of withVersion(['/sourceConfig'])) {
    app.get(path, { config }, async (request, reply) => {
      const caller = checkHead(request, authenticator) ?? findCaller(request, authenticator)
      if (!caller.ok && sourceForDocument(caller) === undefined) {
        onRefused(caller.code, request, caller)
        return refuseKey(reply, caller.code, caller.message)
      }
      return reply.header('content-type', JSON_TYPE).header('cache-control', CACHING).send(SOURCE_CONFIG)
    })
  }
}
