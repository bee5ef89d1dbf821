import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { readTopic } from './kafka-topics.ts'
import { AUTHORIZATION } from './server-process.ts'

export const TYPES = ['track', 'identify', 'page', 'screen', 'group', 'alias'] as const
export type Type = (typeof TYPES)[number]
export const USERS_OF_A_TYPE = 5

/** One event, as its user saw it. */
export interface TypedAnswer {
  readonly type: Type
  /** `<type>.<user>-<sequence>` */
  readonly id: string
  /** 0: there was no answer. */
  readonly status: number
  readonly milliseconds: number
  readonly text: string
}

export interface TypedLoad {
  readonly answers: readonly TypedAnswer[]
  /** Those answered 200. */
  acked(): TypedAnswer[]
  /** Each status that was received, once. */
  statuses(): number[]
  stop(): Promise<void>
}

/**
 * Users that send events of one type each, one after the other, so that each type's topic has its own load. An event is
 * sent once, whatever the answer is. Ends with the test.
 *
 * @param options.pad the additional bytes of events, by type
 * @param options.name distinguishes the users of this load from those of another one
 */
export function startTypedLoad(
  t: Test,
  url: string,
  options: { readonly pad?: Partial<Record<Type, number>>; readonly name?: string } = {}
): TypedLoad {
  const answers: TypedAnswer[] = []
  const headers = { 'content-type': 'application/json', authorization: AUTHORIZATION }
  let isStopped = false

  async function run(type: Type, user: number): Promise<void> {
    const pad = 'x'.repeat(options.pad?.[type] ?? 0)
    for (let sequence = 0; !isStopped; sequence++) {
      const userId = `${type}.${options.name ?? ''}${user}`
      const id = `${userId}-${sequence}`
      const fields = { type, userId, messageId: id, previousId: 'p', groupId: 'g', name: 'n', event: 'e' }
      const body = JSON.stringify({ batch: [{ ...fields, context: { pad } }] })
      const begun = performance.now()
      const answer = await fetch(`${url}/v1/batch`, { method: 'POST', headers, body }).catch(() => undefined)
      const text = (await answer?.text().catch(() => undefined)) ?? ''
      answers.push({ type, id, status: answer?.status ?? 0, milliseconds: performance.now() - begun, text })
      await sleep(40)
    }
  }

  const running = TYPES.flatMap(type => Array.from({ length: USERS_OF_A_TYPE }, (_, user) => run(type, user)))
  const stop = async (): Promise<void> => {
    isStopped = true
    await Promise.all(running)
  }
  t.teardown(stop)
  return {
    answers,
    acked: () => answers.filter(({ status }) => status === 200),
    statuses: () => [...new Set(answers.map(({ status }) => status))],
    stop
  }
}

/** In milliseconds; Infinity if there are no answers. */
export function p99Of(answers: readonly TypedAnswer[]): number {
  const times = answers.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b)
  return times[Math.floor(times.length * 0.99)] ?? Infinity
}

/** Fails `t` if the topic of a type lacks an acknowledged event, has one twice, or has a user's events out of order. */
export async function assertComplete(
  t: Test,
  load: TypedLoad,
  of: { readonly type: Type; readonly brokers: readonly string[]; readonly topic: string }
): Promise<void> {
  const records = await readTopic(of.brokers, of.topic)
  const ids = records.map(({ headers }) => headers['messageId'] ?? '').filter(id => id.startsWith(`${of.type}.`))
  const there = new Set(ids)
  const wanted = load.acked().filter(({ type }) => type === of.type)
  const missing = wanted.filter(({ id }) => !there.has(id)).map(({ id }) => id)
  t.ok(wanted.length > 0, `${of.type}: ${wanted.length} events were acknowledged`)
  t.strictSame([missing.length, missing.slice(0, 10)], [0, []], `${of.type}: no event is missing`)
  t.equal(ids.length, there.size, `${of.type}: no event is stored twice`)
  const last = new Map<string, number>()
  const unordered = ids.filter(id => {
    const [user = '', sequence] = id.split('-')
    const before = last.get(user) ?? -1
    last.set(user, Number(sequence))
    return Number(sequence) <= before
  })
  t.strictSame(unordered.slice(0, 10), [], `${of.type}: the events of each user are in order`)
}
