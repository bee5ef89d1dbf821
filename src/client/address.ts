const LOOPBACK: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/** The address by which this machine reaches its own listener: the loopback address if it is bound to all addresses. */
export function localAddress(bound: string): string {
  return LOOPBACK[bound] ?? bound
}

/** The URL of a listener. An IPv6 address gets its brackets. @param host a name, or the address of one interface */
export function listenerUrl({
  host,
  port,
  isTls
}: {
  readonly host: string
  readonly port: number
  readonly isTls: boolean
}): string {
  return `${isTls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** The settings that SDKs request before they send. @param url the tracking API, without a trailing slash */
export function settingsUrl(url: string, writeKey: string): string {
  return `${url}/v1/projects/${encodeURIComponent(writeKey)}/settings`
}
