import type { Admin } from '@platformatic/kafka'

const KEY = 'producer_byte_rate'
/** The protocol's words for who a quota is for, and which of them are meant (KIP-546). */
const EXACT = 0
const DEFAULT = 1

/**
 * How many bytes a second the brokers let this user and client id produce, where they say; the smallest of the quotas
 * that may count. Undefined: none, or the user may not ask.
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
