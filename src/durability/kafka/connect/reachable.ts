import { apiVersionsV1, Connection, type Callback } from '@platformatic/kafka'
import type { ClusterSettings } from '../options.ts'
import { connectionOptions } from './session.ts'
import { endTimers } from './watch.ts'

/** Each broker gets this much time before the next broker in the list is tried too. */
const HEAD_START_MS = 250
/** If no broker has answered by then, the list is returned unchanged: the client's own error then states the cause. */
const TIMEOUT_MS = 1_800

/**
 * Moves the first broker that answers a request to the front of the list. A broker that is down, hangs, or is behind a
 * firewall that drops packets then costs a start only a fraction of a second. Never rejects.
 */
export async function reachableFirst(settings: ClusterSettings): Promise<readonly string[]> {
  const { brokers } = settings
  if (brokers.length < 2) return brokers
  const opened: Connection[] = []
  const { promise: found, resolve } = Promise.withResolvers<string | undefined>()
  const timer = setTimeout(() => resolve(undefined), TIMEOUT_MS)
  let isOver = false
  let failures = 0
  let next = 0
  const startNext = (): void => {
    const broker = brokers[next++]
    if (broker === undefined || isOver) return
    const timer = setTimeout(startNext, HEAD_START_MS)
    ask(broker, settings, opened).then(
      () => resolve(broker),
      () => {
        clearTimeout(timer)
        if (++failures === brokers.length) resolve(undefined)
        else startNext()
      }
    )
  }
  startNext()
  const first = await found
  isOver = true
  clearTimeout(timer)
  for (const connection of opened) {
    endTimers(connection)
    connection.socket?.destroy()
  }
  return first === undefined ? brokers : [first, ...brokers.filter(broker => broker !== first)]
}

/** Connects, authenticates, and waits for an answer. */
async function ask(broker: string, settings: ClusterSettings, opened: Connection[]): Promise<void> {
  const colon = broker.lastIndexOf(':')
  const host = broker.slice(0, colon).replace(/^\[|\]$/g, '')
  const connection = new Connection(settings.clientId, connectionOptions({ ...settings, giveUpMs: TIMEOUT_MS }, host))
  connection.on('error', () => {})
  opened.push(connection)
  await connection.connect(host, Number(broker.slice(colon + 1)))
  await new Promise<void>((resolve, reject) => {
    const done: Callback<unknown> = error => (error ? reject(error) : resolve())
    apiVersionsV1.api(connection, 'tributary', '1', done)
  })
}
