import { Connection } from '@platformatic/kafka'
import { explain } from '../connect/explain.ts'
import { connectionOptions } from '../connect/session.ts'
import { endTimers } from '../connect/watch.ts'
import type { ClusterSettings } from '../options.ts'

const TIMEOUT_MS = 3_000

/**
 * The brokers that cannot be reached at the address that the cluster gives to clients, each with the reason in one
 * line. The cluster may advertise another listener than the one in KAFKA_BROKERS, or a name that only the brokers can
 * resolve.
 */
export async function unreachableBrokers(
  settings: ClusterSettings,
  brokers: Iterable<{ readonly host: string; readonly port: number }>
): Promise<readonly string[]> {
  const found = await Promise.all(
    [...brokers].map(async ({ host, port }) => {
      const connection = new Connection(
        settings.clientId,
        connectionOptions({ ...settings, giveUpMs: TIMEOUT_MS }, host)
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
