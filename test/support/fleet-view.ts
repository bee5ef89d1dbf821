import { pino } from 'pino'
import type { Test } from 'tap'
import { createAdminServer } from '../../src/debugger/admin-server.ts'
import { openEventStream } from '../../src/debugger/live/event-stream.ts'
import { followMembers } from '../../src/fleet/members/members.ts'
import { mergeViews } from '../../src/fleet/view/view.ts'
import { prepareListener } from '../../src/http/server/listener.ts'
import { MemoryTopics } from './memory-topics.ts'

export interface View {
  readonly url: string
  close(): Promise<void>
}

/** A long time, so that no connection ends because it is idle. */
const KEEP_ALIVE_MS = 600_000

/** A process of a server: its name, its instance and the server's admin listener. */
export interface MemberProcess {
  readonly name: string
  readonly instance: string
  readonly adminUrl: string
}

/** Writes heartbeats of processes until they leave. */
export class Heartbeats {
  readonly topics = new MemoryTopics()
  readonly #living = new Map<string, MemberProcess>()

  constructor(t: Test) {
    const timer = setInterval(() => void this.#writeAll(), 1_000)
    t.teardown(() => clearInterval(timer))
  }

  async join(process: MemberProcess): Promise<void> {
    this.#living.set(process.instance, process)
    await this.#write(process, false)
  }

  /** Stops the heartbeats of a process, as SIGKILL does. */
  fallSilent(process: MemberProcess): void {
    this.#living.delete(process.instance)
  }

  async leave(process: MemberProcess): Promise<void> {
    this.#living.delete(process.instance)
    await this.#write(process, true)
  }

  async #writeAll(): Promise<void> {
    for (const process of this.#living.values()) await this.#write(process, false)
  }

  #write(process: MemberProcess, leaving: boolean): Promise<bigint> {
    const more = {
      startedAt: 1,
      version: '1',
      config: { version: 1, hash: '', problem: null },
      kafka: { reached: true, problem: null },
      backlogBytes: 0,
      demand: {}
    }
    const value = Buffer.from(JSON.stringify({ ...process, ...more, leaving }))
    return this.topics.write(this.topics.names.members, [{ key: process.instance, value }])
  }
}

/** An admin listener that merges the views of the fleet's servers. */
export async function startView(t: Test, { topics }: Heartbeats): Promise<View> {
  const members = followMembers({ topics, self: undefined })
  const admin = await createAdminServer({ logger: pino({ enabled: false }), tls: undefined })
  prepareListener(admin, { trustProxy: false, idleMs: KEEP_ALIVE_MS })
  const endStreams = mergeViews(admin, {
    fleet: { name: 'view', instance: 'view', members: () => members },
    password: undefined,
    openStream: (request, reply, watch) =>
      openEventStream(request, reply, { live: { watch }, matches: () => true, from: 0 })
  })
  admin.get('/api/stream', async () => 'this server alone')
  admin.get('/api/events', async () => ({ events: [], newest: 0, next: null }))
  admin.get('/api/events/:seq', async () => ({ of: 'this server alone' }))
  admin.addHook('preClose', endStreams)
  t.teardown(() => members.close())
  t.teardown(() => admin.close())
  return { url: await admin.listen({ host: '127.0.0.1', port: 0 }), close: () => admin.close() }
}
