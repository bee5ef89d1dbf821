export interface SdkSettings {
  readonly id: string
  readonly kid: string
  /** Path of the private key. */
  readonly keyFile: string
  /** PUBLIC_URL; undefined if it is not set. */
  readonly publicUrl: string | undefined
}

/** The settings for programs with Segment's SDKs for Node and Python, as code. */
export function sdkLines({ id, kid, keyFile, publicUrl = 'https://EVENTS.EXAMPLE.COM' }: SdkSettings): string {
  const [host, client, key, file] = [publicUrl, id, kid, keyFile].map(text => JSON.stringify(text))
  return `Node (@segment/analytics-node):
  oauthSettings: {
    clientId: ${client},
    clientKey: fs.readFileSync(${file}, 'utf8'),
    keyId: ${key},
    authServer: ${host}
  }

Python (segment-analytics-python):
  analytics.oauth_client_id = ${client}
  analytics.oauth_client_key = open(${file}).read()
  analytics.oauth_key_id = ${key}
  analytics.oauth_auth_server = ${host}`
}
