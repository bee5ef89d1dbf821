import type { FastifyInstance } from 'fastify'
import type { Background } from '../model/background.ts'
import type { Clock } from '../model/clock.ts'
import type { ExplainRoute } from '../model/route.ts'
import { createAccess } from './access/access.ts'
import { registerEventRoutes } from './api/api-events.ts'
import type { SourceRoutesOptions } from './api/api-sources.ts'
import { registerSourceRoutes } from './api/api-sources.ts'
import { registerOverview } from './api/api-overview.ts'
import { createHistory } from './ring/history.ts'
import type { Probe } from './ring/history.ts'
import { createMatcher, parseFilter } from './ring/filter.ts'
import { createLiveFeed } from './live/live.ts'
import type { Watcher } from './live/live.ts'
import { createMask } from './ring/mask.ts'
import type { KnownKeys } from './ring/mask.ts'
import { registerPage } from './page/page-routes.ts'
import { errorAnswer } from './query.ts'
import type { Observations } from './ring/observations.ts'
import { watchSdks } from './api/sources.ts'
import type { Finders } from './api/trace.ts'
import type { CatalogueView } from './api/api-catalogue.ts'
import { registerCatalogue } from './api/api-catalogue.ts'
import { registerHardValues } from './api/api-hard-values.ts'
import type { ViolationsView } from './api/api-violations.ts'
import { registerViolations } from './api/api-violations.ts'
import { registerSuppressions } from './api/api-suppressions.ts'
import type { Audit, AuditEntry } from '../model/operations/audit.ts'
import { registerAudit } from './api/audited-routes.ts'
import type { SuppressionStore } from '../model/governance/suppress.ts'

export interface DebuggerOptions extends Omit<SourceRoutesOptions, 'recent' | 'sdks'> {
  readonly seen: Observations
  readonly password: (() => string) | undefined
  /** The address that the admin listener is bound to. */
  readonly host: string
  readonly knownKeys: KnownKeys
  readonly probe: () => Probe
  readonly finders: Finders
  readonly explain: ExplainRoute
  /** The time slices that the debugger's searches share with all other work that can wait. */
  readonly background: Background
  /** Where events go, as text: `Kafka (...)`, or the folder of the log. */
  readonly destination: string
  readonly version: string
  /** The state of the fleet, to be sent as JSON; undefined: this server is in no fleet. */
  readonly fleet: (() => object) | undefined
  /** Whether this server hears the others of its fleet; undefined: it does not answer for them (workers, or no fleet). */
  readonly showsFleet: (() => boolean) | undefined
  readonly suppressions: SuppressionStore
  readonly catalogue: CatalogueView
  readonly violations: ViolationsView
  readonly audit: Audit
  /** The newest entries of the audit, oldest first. */
  readonly auditTrail: () => readonly AuditEntry[]
  readonly clock: Clock
}

export interface Debugger {
  /** The number of open live streams. */
  watchers(): number
  /** Streams events that match a query, from `fromSeq` on, until the returned function is called. Throws if it is not possible. */
  watch(query: string, watcher: Omit<Watcher, 'matches'>, fromSeq: number): () => void
  /** The seq of the next event. */
  nextSeq(): number
}

/** Registers the debugger: its API under /api and its page at /. Both require access (see `access/`). */
export async function registerDebugger(app: FastifyInstance, options: DebuggerOptions): Promise<Debugger> {
  const { probe, clock, finders, background, explain } = options
  const { recent, refused } = options.seen
  const mask = createMask(options.knownKeys)
  const live = createLiveFeed({ recent, mask })
  const history = createHistory({ seen: options.seen, probe, now: clock.now })
  const sdks = watchSdks({ recent, mask, background })
  const access = await createAccess(app, { ...options, monotonic: clock.monotonic })

  await registerPage(app, access)
  await app.register(async api => {
    api.addHook('onRequest', async (request, reply) => access.api(request, reply))
    registerAudit(api, {
      audit: options.audit,
      who: access.who,
      recent: options.auditTrail,
      maskedKey: (source, index) => options.writeKeys().get(source)?.[index]?.masked
    })
    registerEventRoutes(api, { recent, refused, live, mask, explain, finders, background })
    registerSourceRoutes(api, { ...options, recent, sdks })
    registerSuppressions(api, options.suppressions)
    registerCatalogue(api, options.catalogue)
    registerViolations(api, options.violations)
    registerHardValues(api, { recent, mask, background })
    registerFleet(api, options.fleet)
    registerOverview(api, {
      ...options,
      history,
      isFleet: options.fleet !== undefined,
      hasPassword: access.mode === 'password',
      background
    })
  })
  app.addHook('preClose', async () => {
    history.stop()
    sdks.stop()
    live.close()
  })

  return {
    watchers: live.watchers,
    nextSeq: recent.nextSeq,
    watch(query, watcher, fromSeq) {
      const matches = createMatcher(parseFilter(Object.fromEntries(new URLSearchParams(query))))
      return live.watch({ ...watcher, matches }, fromSeq)
    }
  }
}

/** Registers `GET /api/fleet`: the servers that share one configuration. */
function registerFleet(api: FastifyInstance, state: (() => object) | undefined): void {
  api.get('/api/fleet', async (_request, reply) => {
    return state === undefined ? reply.code(404).send(errorAnswer('not_found', 'this server is in no fleet')) : state()
  })
}
