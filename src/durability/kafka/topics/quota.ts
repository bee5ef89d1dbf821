import { ClientQuotaEntityTypes, ClientQuotaKeys, ClientQuotaMatchTypes, type Admin } from '@platformatic/kafka'

/**
 * How many bytes per second the brokers let this user and client id produce: the smallest of the quotas that may apply.
 * Undefined if there is none, or if the user may not ask.
 */
export async function producerQuota(
  admin: Admin,
  { username, clientId }: { readonly username: string | undefined; readonly clientId: string }
): Promise<number | undefined> {
  const { USER, CLIENT_ID } = ClientQuotaEntityTypes
  const { EXACT, DEFAULT } = ClientQuotaMatchTypes
  const asked = [
    ...(username === undefined ? [] : [{ entityType: USER, matchType: EXACT, match: username }]),
    { entityType: USER, matchType: DEFAULT },
    { entityType: CLIENT_ID, matchType: EXACT, match: clientId },
    { entityType: CLIENT_ID, matchType: DEFAULT }
  ]
  const rates: number[] = []
  for (const component of asked) {
    const entries = await admin.describeClientQuotas({ components: [component] }).catch(() => [])
    for (const { key, value } of (entries ?? []).flatMap(({ values }) => values)) {
      if (key === ClientQuotaKeys.PRODUCER_BYTE_RATE) rates.push(value)
    }
  }
  return rates.length === 0 ? undefined : Math.min(...rates)
}
