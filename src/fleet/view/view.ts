import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inForce } from '../config/in-force.ts'
import type { Fleet } from '../open.ts'
import { FleetAsker } from './asker.ts'
import type { MemberAnswer } from './ask.ts'
import { askMember, askMembers, SCOPE_HEADER } from './ask.ts'
import { fleetListFault, readFleetQuery } from './fleet-query.ts'
import type { Watcher } from '../workers/view/feed.ts'
import { MergedLive } from './live.ts'
import {
  hasFound,
  mergeEvents,
  mergeOutcomes,
  mergeOverview,
  mergeRejections,
  mergeTraces,
  remembersSpooled,
  spooledSinceOf,
  withArchives,
  withRecords
} from './merge.ts'

type ViewFleet = Pick<Fleet, 'name' | 'instance' | 'members'>

export interface ViewOptions {
  readonly fleet: ViewFleet
  /** ADMIN_PASSWORD: the servers of a fleet have the same. */
  readonly password: string | undefined
  /** Answers with a stream of server-sent events. `watch` returns what ends it. Throws for a filter that is not valid. */
  readonly openStream: (request: FastifyRequest, reply: FastifyReply, watch: (reader: Watcher) => () => void) => void
}

/** Tells the trace route where to search: this server finds everything in Kafka that the others would find. */
const PLACES_HEADER = 'x-tributary-places'
const NEAR = { [PLACES_HEADER]: 'memory,log' }
const ARCHIVE = { [PLACES_HEADER]: 'archive' }
/** A server limits its own search; this limit is a little longer. */
const SEARCH_MS = 6_000

type Merge = (answers: readonly MemberAnswer[], limit: number) => object

/** Routes of the debugger. */
const TRACE = '/api/trace/:messageId'
const STREAM = '/api/stream'
const EVENT = '/api/events/:seq'
const MERGES: Readonly<Record<string, Merge>> = {
  '/api/events': mergeEvents,
  '/api/rejections': mergeRejections,
  '/api/outcomes': mergeOutcomes,
  '/api/overview': mergeOverview
}
const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1_000
const MAX_STREAMS = 16
/** How long a server that stops waits until its last events are sent to the readers of a merged stream. */
const LAST_MS = 1_000

/**
 * Lets any server answer for all servers: `/api/trace/{messageId}` always, and with `?scope=fleet` the list of events,
 * rejections, outcomes, the overview and the live stream. Call this before the debugger's routes are created. It runs after
 * their access check.
 *
 * @returns ends the merged streams. Call it when this server's own streams have ended, whose last events they show.
 */
export function mergeViews(admin: FastifyInstance, options: ViewOptions): () => Promise<void> {
  const view = new MergedView(admin, options)
  const { name } = options.fleet
  admin.addHook('preHandler', async (request, reply) => {
    const meant = request.headers[SCOPE_HEADER]
    if (meant !== undefined) {
      if (meant === name) return undefined
      return await reply.code(421).send({ success: false, code: 'bad_request', message: `this is ${name}` })
    }
    if (request.method !== 'GET') return undefined
    const { url = '' } = request.routeOptions
    if (url === TRACE) return await view.trace(request, reply)
    if ((request.query as { scope?: unknown }).scope !== 'fleet') return undefined
    if (url === STREAM) return view.stream(request, reply)
    if (url === EVENT) return await view.event(request, reply)
    const merge = MERGES[url]
    return merge && (await view.list(request, reply, merge))
  })
  return () => view.endStreams()
}

/** Answers a request with the merged answers of all servers. */
class MergedView {
  readonly #asker: FleetAsker
  readonly #fleet: ViewFleet
  readonly #password: string | undefined
  readonly #openStream: ViewOptions['openStream']
  readonly #streams = new Map<Watcher, MergedLive>()

  constructor(admin: FastifyInstance, { fleet, password, openStream }: ViewOptions) {
    this.#asker = new FleetAsker({ admin, fleet, password })
    this.#fleet = fleet
    this.#password = password
    this.#openStream = openStream
  }

  /** This server's last events reach the readers first, if they do so in time. */
  async endStreams(): Promise<void> {
    const ended = [...this.#streams.values()].map(live => live.ownEnded)
    await Promise.race([Promise.all(ended), sleep(LAST_MS, undefined, { ref: false })])
    for (const reader of this.#streams.keys()) reader.end()
  }

  /** The live streams of all servers, this one included, as one. */
  stream(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const { server, after, filters } = readFleetQuery(request.url)
    const options = {
      members: () => this.#fleet.members()?.live() ?? [],
      isHeard: () => this.#fleet.members()?.isHeard() ?? false,
      self: this.#fleet.instance,
      password: this.#password,
      query: filters,
      server,
      after
    }
    this.#openStream(request, reply, reader => {
      if (this.#streams.size >= MAX_STREAMS) throw new RangeError(`at most ${MAX_STREAMS} may watch the fleet at once`)
      const live = new MergedLive(options, reader)
      this.#streams.set(reader, live)
      return () => {
        this.#streams.delete(reader)
        live.close()
      }
    })
    return reply
  }

  /**
   * Searches the memory and the log of all servers first. If nobody has the event, this server searches Kafka and its archive, and then
   * the others their archives: one server of a fleet has one.
   */
  async trace(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { messageId } = request.params as { messageId: string }
    const { own, all } = await this.#asker.askAll(request, { pathFor: () => request.url, isWanted: () => true }, NEAR)
    if (own.body === undefined) return copy(reply, own.answer)
    if (hasFound(all)) return reply.send(mergeTraces(messageId, await this.#withSpooled(request, { own, all })))
    const deep = await this.#asker.askOwn(request, request.url, {})
    const others = all.filter(one => one !== own)
    if (hasFound([deep])) return reply.send(mergeTraces(messageId, [deep, ...others]))
    const asked = { password: this.#password, path: request.url, headers: ARCHIVE, timeoutMs: SEARCH_MS }
    const archives = await askMembers(this.#asker.others(), asked)
    return reply.send(mergeTraces(messageId, [deep, ...withArchives(others, archives)]))
  }

  /** The answers, and where a spooled event is now: this server searches Kafka, and those that remember it as spooled their disk. */
  async #withSpooled(
    request: FastifyRequest,
    { own, all }: { readonly own: MemberAnswer; readonly all: readonly MemberAnswer[] }
  ): Promise<readonly MemberAnswer[]> {
    const since = spooledSinceOf(all)
    if (since === undefined) return all
    const [path = ''] = request.url.split('?', 1)
    const spoolers = new Set(all.filter(remembersSpooled).map(({ server }) => server))
    const others = this.#asker.others().filter(({ name }) => spoolers.has(name))
    const asked = { password: this.#password, path, headers: { [PLACES_HEADER]: 'log' }, timeoutMs: SEARCH_MS }
    const [kafka, disk, disks] = await Promise.all([
      this.#asker.askOwn(request, `${path}?since=${since}`, { [PLACES_HEADER]: 'kafka' }),
      spoolers.has(own.server) ? this.#asker.askOwn(request, path, asked.headers) : undefined,
      askMembers(others, asked)
    ])
    return withRecords(all, [kafka, ...(disk === undefined ? [] : [disk]), ...disks])
  }

  async list(request: FastifyRequest, reply: FastifyReply, merge: Merge): Promise<FastifyReply> {
    const fault = fleetListFault(request.url)
    if (fault !== undefined) return reply.code(400).send({ success: false, code: 'bad_request', message: fault })
    const query = readFleetQuery(request.url)
    const { own, all } = await this.#asker.askAll(request, query, {})
    if (own.body === undefined) return copy(reply, own.answer)
    return reply.send(merge(all, Math.min(query.limit ?? DEFAULT_LIMIT, MAX_LIMIT)))
  }

  /** One event of the server that the query names; of this one if it names none. */
  async event(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { server = this.#fleet.name, pathFor } = readFleetQuery(request.url)
    const path = pathFor(server)
    if (server === this.#fleet.name) return copy(reply, (await this.#asker.askOwn(request, path, {})).answer)
    const member = this.#asker.others().find(({ name }) => name === server)
    if (member === undefined) {
      const message = `no server of the fleet that is live is called ${server}`
      return await reply.code(404).send({ success: false, code: 'not_found', message })
    }
    try {
      const { status, text } = await askMember(member, { password: this.#password, path })
      return await copy(reply, { statusCode: status, payload: text })
    } catch (error) {
      const message = `${server}: ${(error as Error).message}`
      return await reply.code(503).header('retry-after', '1').send({ success: false, code: 'server_away', message })
    }
  }
}

function copy(reply: FastifyReply, { statusCode, payload }: { readonly statusCode: number; readonly payload: string }) {
  return reply.code(statusCode).type('application/json; charset=utf-8').send(payload)
}

/** The answer of `GET /api/fleet`: the members, and the configuration in force on each. */
export function fleetState({ name, config, members }: Fleet, fleetName: string): object {
  const all = members()?.all() ?? []
  const newest = config.topic.log.current
  const { version, base, at, by, why, hash } = newest ?? {}
  return {
    fleet: fleetName,
    self: name,
    isHeard: members()?.isHeard() ?? false,
    newest: newest === undefined ? null : { version, base, at, by, why, hash },
    inForce: inForce(all, newest?.version ?? 0),
    members: all.map(({ demand: _demand, leaving: _leaving, ...member }) => ({
      ...member,
      isBehind: member.config.version < (newest?.version ?? 0)
    }))
  }
}
