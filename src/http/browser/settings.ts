import type { Destination } from '../../model/destination.ts'
import type { FastifyInstance } from 'fastify'
import { withVersion } from '../paths.ts'
import type { PathKey, PathKeyOptions, PathKeyRoute } from '../caller/path-key.ts'
import { checkPathKey } from '../caller/path-key.ts'
import type { PublicAddress } from './public-address.ts'
import { publicAddress } from './public-address.ts'
import { JSON_TYPE, sendError } from '../replies.ts'
import { registerSourceConfig } from './source-config.ts'

export interface SettingsOptions extends PathKeyOptions {
  /** PUBLIC_URL; undefined: the address of each request. */
  readonly publicUrl: string | undefined
  /** The destinations of the tributary.yml in force; default: none. */
  readonly destinations?: () => readonly Destination[]
}

/** Some SDKs add `/projects` to a settings host that ends in `/projects` already. */
const PATHS = withVersion(['/projects/:writeKey/settings', '/projects/projects/:writeKey/settings'])

/** The browser SDK asks at every page view. A cached answer is harmless: the tracking API refuses a revoked key at once. */
const MAX_AGE_SECONDS = 600

/** An SDK without settings sends nothing. */
const config = { exemptFromLoadShedding: true }

/** The name of the server's own entry in `integrations`. The forks of analytics.js differ in little else. */
const INTEGRATIONS = { segment: 'Segment.io', 'customer.io': 'Customer.io Data Pipelines' } as const

/** Registers the documents that Segment's and RudderStack's SDKs fetch first, and that tell the SDKs where to send. */
export function registerSettings(app: FastifyInstance, options: SettingsOptions): void {
  registerSourceConfig(app, options)
  // Without PUBLIC_URL the document contains the Host of one client, so a shared cache must not give it to another client.
  const scope = options.publicUrl === undefined ? 'private' : 'public'
  for (const path of PATHS) {
    app.get<PathKeyRoute>(path, { config }, async (request, reply) => {
      const known = checkPathKey(request, reply, options)
      if (known === undefined) return reply
      const address = publicAddress(request, options.publicUrl)
      if (address === undefined) return sendError(reply, 'bad_request', 'the Host header is not valid')
      reply.header('cache-control', `${scope}, max-age=${MAX_AGE_SECONDS}`)
      return reply
        .header('content-type', JSON_TYPE)
        .send(JSON.stringify(settingsDocument(known, address, options.destinations?.() ?? [])))
    })
  }
}

/**
 * The settings that the SDKs need, without anything that makes them load from or send to another host. analytics.js uses
 * its vendor's host for each setting that is missing, for example for `metrics` without `sampleRate` and `host`. It loads
 * no further scripts, because there is one integration, no middleware and no plugin. Mobile SDKs send to `apiHost` over
 * https.
 */
function settingsDocument(
  { writeKey, source }: PathKey,
  { protocol, host }: PublicAddress,
  destinations: readonly Destination[]
) {
  const apiHost = `${host}/v1`
  return {
    integrations: {
      [INTEGRATIONS[source.settingsFor ?? 'segment']]: {
        apiKey: writeKey,
        apiHost,
        protocol,
        unbundledIntegrations: [],
        addBundledMetadata: true,
        maybeBundledConfigIds: {},
        versionSettings: { version: '4.4.7', componentTypes: ['browser'] }
      }
    },
    plan: {
      track: { __default: { enabled: true, integrations: {} } },
      identify: { __default: { enabled: true } },
      group: { __default: { enabled: true } }
    },
    ...consentSettings(destinations, source.id),
    edgeFunction: {},
    analyticsNextEnabled: true,
    middlewareSettings: {},
    enabledMiddleware: {},
    metrics: { sampleRate: 0, host: apiHost },
    legacyVideoPluginsEnabled: false,
    remotePlugins: []
  }
}

/**
 * The settings of Segment's consent wrapper. Without them the wrapper does not know whether to hold events back while the
 * user has consented to no category. Empty if no destination of the source has categories.
 */
function consentSettings(destinations: readonly Destination[], source: string) {
  const own = destinations.filter(({ enabled, sources }) => enabled && (sources?.includes(source) ?? true))
  const allCategories = [...new Set(own.flatMap(({ consent }) => consent?.categories ?? []))]
  if (allCategories.length === 0) return {}
  const hasUnmappedDestinations = own.some(({ consent }) => consent === undefined)
  return { consentSettings: { allCategories, hasUnmappedDestinations } }
}
