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
  /** PUBLIC_URL; undefined: the address that each request was sent to. */
  readonly publicUrl: string | undefined
  /** Those of the tributary.yml in force; default: none. */
  readonly destinations?: () => readonly Destination[]
}

/** Twice `/projects` is what some SDKs make of a settings host that ends in it. */
const PATHS = withVersion(['/projects/:writeKey/settings', '/projects/projects/:writeKey/settings'])

/** Every page view of the browser SDK asks; a revoked key is refused by the tracking API at once in any case. */
const MAX_AGE_SECONDS = 600

/** An SDK without settings sends nothing. */
const config = { isSpared: true }

/** What the entry of the server itself is called in the settings; the forks of analytics.js differ in little else. */
const INTEGRATIONS = { segment: 'Segment.io', 'customer.io': 'Customer.io Data Pipelines' } as const

/** The documents that browser and mobile SDKs fetch first, and that tell them where to send: Segment's, and RudderStack's. */
export function registerSettings(app: FastifyInstance, options: SettingsOptions): void {
  registerSourceConfig(app, options)
  // Made from the Host that one client sent, it must not be handed to another by a cache in between.
  const scope = options.publicUrl === undefined ? 'private' : 'public'
  for (const path of PATHS) {
    app.get<PathKeyRoute>(path, { config }, async (request, reply) => {
      const known = checkPathKey(request, reply, options)
      if (known === undefined) return reply
      const address = publicAddress(request, options.publicUrl)
      if (address === undefined) return sendError(reply, 'bad_request', 'the Host is not one')
      reply.header('cache-control', `${scope}, max-age=${MAX_AGE_SECONDS}`)
      return reply
        .header('content-type', JSON_TYPE)
        .send(JSON.stringify(settingsDocument(known, address, options.destinations?.() ?? [])))
    })
  }
}

/**
 * What the SDKs need, and nothing that makes them load or send anything elsewhere. analytics.js takes each default that
 * is left out as its vendor's host: `metrics` without `sampleRate` and `host` would send there. One integration, no
 * middleware and no plugins keep it from loading further scripts. Mobile SDKs send to `apiHost` over https.
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
 * What Segment's consent wrapper looks for: without it the wrapper cannot tell whether to hold events back while no category
 * is consented to. Left out where no destination of the source has categories.
 */
function consentSettings(destinations: readonly Destination[], source: string) {
  const own = destinations.filter(({ enabled, sources }) => enabled && (sources?.includes(source) ?? true))
  const allCategories = [...new Set(own.flatMap(({ consent }) => consent?.categories ?? []))]
  if (allCategories.length === 0) return {}
  const hasUnmappedDestinations = own.some(({ consent }) => consent === undefined)
  return { consentSettings: { allCategories, hasUnmappedDestinations } }
}
