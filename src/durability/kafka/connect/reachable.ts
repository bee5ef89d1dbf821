import { apiVersionsV1, Connection, parseBroker } from '@platformatic/kafka'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ClusterSettings } from '../options.ts'
import type { BrokerAddress } from './cluster-client.ts'
import { explain } from './explain.ts'
import { connectionOptions } from './session.ts'
import { closeNow } from './watch.ts'
import { withTimeout } from './with-timeout.ts'

/** Each broker gets this much time before the next broker in the list is tried too. */
const HEAD_START_MS = 250
/** If no broker has answered by then, the list is returned unchanged: the client's own error then states the cause. */
const FIRST_ANSWER_TIMEOUT_MS = 1_800
const ANSWER_TIMEOUT_MS = 3_000

/**
 * Moves the first broker that answers a request to the front of the list. A broker that is down, hangs, or is behind a
 * firewall that drops packets then costs a start only a fraction of a second. Never rejects.
 */
export async function reachableFirst(settings: ClusterSettings): Promise<readonly string[]> {
  const { brokers } = settings
  if (brokers.length < 2) return brokers
  const over = new AbortController()
  const answer = firstToAnswer(settings, over.signal)
  const first = await withTimeout(answer, FIRST_ANSWER_TIMEOUT_MS).catch(() => undefined)
  over.abort()
  return first === undefined ? brokers : [first, ...brokers.filter(broker => broker !== first)]
}

/** Tries one broker after the other. Rejects if none answers, and after `over`. */
async function firstToAnswer(settings: ClusterSettings, over: AbortSignal): Promise<string> {
  over.throwIfAborted()
  const [broker = '', ...others] = settings.brokers
  const answer = ask(broker, { ...settings, giveUpMs: FIRST_ANSWER_TIMEOUT_MS }, over).then(() => broker)
  if (others.length === 0) return await answer
  const early = await Promise.race([answer, sleep(HEAD_START_MS)]).catch(() => undefined)
  return early ?? (await Promise.any([answer, firstToAnswer({ ...settings, brokers: others }, over)]))
}

/**
 * The brokers that cannot be reached at the address that the cluster gives to clients, each with the reason in one
 * line. The cluster may advertise another listener than the one in KAFKA_BROKERS, or a name that only the brokers can
 * resolve.
 */
export async function unreachableBrokers(
  settings: ClusterSettings,
  brokers: readonly BrokerAddress[]
): Promise<readonly string[]> {
  const reasons = brokers.map(formatBroker).map(broker =>
    ask(broker, { ...settings, giveUpMs: ANSWER_TIMEOUT_MS }).then(
      () => [],
      (error: unknown) => [explain(error, [broker])]
    )
  )
  return (await Promise.all(reasons)).flat()
}

/** The address as `host:port`, which parseBroker() of the client reads. */
export function formatBroker({ host, port }: BrokerAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/**
 * Connects to `host:port`, authenticates, waits for an answer, and closes the connection. Rejects with the client's
 * error. After `over`, the connection is closed, and nothing may wait for the result.
 */
async function ask(
  broker: string,
  settings: ClusterSettings & { readonly giveUpMs: number },
  over?: AbortSignal
): Promise<void> {
  const { host, port } = parseBroker(broker)
  const connection = new Connection(settings.clientId, connectionOptions(settings, host))
  const end = (): void => closeNow(connection)
  connection.on('error', () => {})
  over?.addEventListener('abort', end)
  try {
    await connection.connect(host, port)
    await new Promise<void>((resolve, reject) => {
      apiVersionsV1.api(connection, 'tributary', '1', error => (error ? reject(error) : resolve()))
    })
  } finally {
    end()
  }
}
