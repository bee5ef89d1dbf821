import type { Admin } from '@platformatic/kafka'

const KEY = 'producer_byte_rate'
/** The protocol's codes for the entity of a quota: exactly this name, or the default (KIP-546). */
const EXACT = 0
const DEFAULT = 1

/**
 * How many bytes per second the brokers let this user and client id produce: the smallest of the quotas that may apply.
 * Undefined if there is none, or if the user may not ask.
 */
export async function producerQuota(
  admin: Admin,
  { username, clientId }: { readonly username: string | undefined; readonly clientId: string }
): Promise<number | undefined> {
  const asked = [
    ...(username === undefined ? [] : ([['user', username]] as const)),
    ['user', undefined],
    ['client-id', clientId],
    ['client-id', undefined]
  ] as const
  const rates: number[] = []
  for (const [entityType, match] of asked) {
    const component =
      match === undefined
        ? ({ entityType, matchType: DEFAULT } as const)
        : ({ entityType, matchType: EXACT, match } as const)
    const entries = await admin.describeClientQuotas({ components: [component] }).catch(() => [])
    for (const { values } of entries ?? []) {
      for (const { key, value } of values) if (key === KEY) rates.push(value)
    }
  }
  return rates.length === 0 ? undefined : Math.min(...rates)
}
