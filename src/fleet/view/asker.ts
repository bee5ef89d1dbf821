import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Fleet } from '../open.ts'
import type { Member } from '../members/member-list.ts'
import type { MemberAnswer } from './ask.ts'
import { askMembers, SCOPE_HEADER } from './ask.ts'
import type { FleetQuery } from './fleet-query.ts'

export interface AskerOptions {
  readonly admin: FastifyInstance
  readonly fleet: Pick<Fleet, 'name' | 'instance' | 'members'>
  /** ADMIN_PASSWORD. */
  readonly password: string | undefined
}

/** Asks this server and the others of the fleet. */
export class FleetAsker {
  readonly #admin: FastifyInstance
  readonly #fleet: AskerOptions['fleet']
  readonly #password: string | undefined

  constructor({ admin, fleet, password }: AskerOptions) {
    this.#admin = admin
    this.#fleet = fleet
    this.#password = password
  }

  /** Asks all servers, and names those that are away. This one is always asked, because it checks the query. */
  async askAll(
    request: FastifyRequest,
    { pathFor, isWanted }: Pick<FleetQuery, 'pathFor' | 'isWanted'>,
    headers: Readonly<Record<string, string>>
  ) {
    const others = this.others().filter(({ name }) => isWanted(name))
    const [own, more] = await Promise.all([
      this.askOwn(request, pathFor(this.#fleet.name), headers),
      askMembers(others, { password: this.#password, path: pathFor, headers })
    ])
    const away = this.#away().filter(({ server }) => isWanted(server))
    return { own, all: [...(isWanted(own.server) ? [own] : []), ...more, ...away] }
  }

  /** Asks this server, as another one would. */
  async askOwn(request: FastifyRequest, path: string, headers: Readonly<Record<string, string>>) {
    const { name } = this.#fleet
    const { 'content-length': _length, connection: _connection, ...sent } = request.headers
    const answer = await this.#admin.inject({ url: path, headers: { ...sent, ...headers, [SCOPE_HEADER]: name } })
    const isGood = answer.statusCode === 200
    const problem = isGood ? undefined : `answered ${answer.statusCode}`
    const body: unknown = isGood ? answer.json() : undefined
    return { server: name, body, problem, answer }
  }

  /** The servers that are live, without this one. */
  others(): readonly Member[] {
    return this.#members().filter(({ instance }) => instance !== this.#fleet.instance)
  }

  /** Servers that were heard of lately, and are not any more. */
  #away(): readonly MemberAnswer[] {
    const all = this.#fleet.members()?.all() ?? []
    const live = new Set(all.filter(({ state }) => state === 'live').map(({ adminUrl }) => adminUrl))
    const gone = all.filter(({ adminUrl, instance }) => !live.has(adminUrl) && instance !== this.#fleet.instance)
    return [...new Map(gone.map(member => [member.adminUrl, member])).values()].map(({ name, silentMs }) => ({
      server: name,
      body: undefined,
      problem: `away since ${Math.round(silentMs / 1_000)} s`
    }))
  }

  /** The live ones, with this one once its heartbeats arrive. */
  #members(): readonly Member[] {
    const byUrl = new Map<string, Member>()
    for (const member of this.#fleet.members()?.live() ?? []) {
      // The workers of one server have one admin listener.
      if (!byUrl.has(member.adminUrl)) byUrl.set(member.adminUrl, member)
    }
    return [...byUrl.values()]
  }
}
