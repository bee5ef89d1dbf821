import { Connection } from '@platformatic/kafka'
import { explain } from '../connect/explain.ts'
import { connectionOptions } from '../connect/session.ts'
import { endTimers } from '../connect/watch.ts'
import type { KafkaSettings } from '../options.ts'

type Settings = Pick<KafkaSettings, 'brokers' | 'clientId' | 'ssl' | 'sasl'>

const PATIENCE_MS = 3_000

/**
 * Which brokers cannot be reached at the address by which the cluster tells clients to reach them, each with the reason
 * in one line. Another listener than the one in KAFKA_BROKERS may be advertised, or a name that only the brokers know.
 */
export async function unreachableBrokers(
  settings: Settings,
  brokers: Iterable<{ readonly host: string; readonly port: number }>
): Promise<readonly string[]> {
  const found = await Promise.all(
    [...brokers].map(async ({ host, port }) => {
      const connection = new Connection(
        settings.clientId,
        connectionOptions({ ...settings, giveUpMs: PATIENCE_MS }, host)
      )
      connection.on('error', () => {})
      try {
        await connection.connect(host, port)
        return undefined
      } catch (error) {
        return explain(error, [`${host}:${port}`])
      } finally {
        endTimers(connection)
        connection.socket?.destroy()
      }
    })
  )
  return found.filter(reason => reason !== undefined)
}
