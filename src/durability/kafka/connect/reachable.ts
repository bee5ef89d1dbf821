import { apiVersionsV1, Connection, type Callback } from '@platformatic/kafka'
import type { KafkaSettings } from '../options.ts'
import { connectionOptions } from './session.ts'
import { endTimers } from './watch.ts'

/** So long a broker has the word alone before the next one in the list is asked too. */
const HEAD_START_MS = 250
/** A list in which nobody has answered by then is left as it is: the client's own error says why. */
const PATIENCE_MS = 1_800

type Settings = Pick<KafkaSettings, 'brokers' | 'clientId' | 'ssl' | 'sasl'>

/**
 * The brokers of the list with the first one in front that answers a request, so that one that is dead, hangs or lies
 * behind a firewall that drops packets costs a start a fraction of a second. Never rejects.
 */
export async function reachableFirst(settings: Settings): Promise<readonly string[]> {
  const { brokers } = settings
  if (brokers.length < 2) return brokers
  const opened: Connection[] = []
  const { promise: found, resolve } = Promise.withResolvers<string | undefined>()
  const timer = setTimeout(() => resolve(undefined), PATIENCE_MS)
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

/** Connects, says who we are, and waits for an answer. */
async function ask(broker: string, settings: Settings, opened: Connection[]): Promise<void> {
  const colon = broker.lastIndexOf(':')
  const host = broker.slice(0, colon).replace(/^\[|\]$/g, '')
  const connection = new Connection(settings.clientId, connectionOptions({ ...settings, giveUpMs: PATIENCE_MS }, host))
  connection.on('error', () => {})
  opened.push(connection)
  await connection.connect(host, Number(broker.slice(colon + 1)))
  await new Promise<void>((resolve, reject) => {
    const done: Callback<unknown> = error => (error ? reject(error) : resolve())
    apiVersionsV1.api(connection, 'tributary', '1', done)
  })
}
