import type { Issued, Authority } from './authority.ts'
import { startKafka, type Kafka, type KafkaOptions } from '../kafka.ts'

export interface SecureKafkaOptions {
  readonly security: NonNullable<KafkaOptions['security']>
  /** Set if the listener has TLS. */
  readonly certificate?: Issued
  /** The authority that must have signed the certificates of clients; undefined: clients need none. */
  readonly clients?: Authority
  /** SASL mechanisms and the JAAS line of each. */
  readonly mechanisms?: Readonly<Record<string, string>>
  readonly properties?: Readonly<Record<string, string>>
  readonly format?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** The port of the plain listener. */
  readonly port?: number
}

const SCRAM_LOGIN = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'

export const MECHANISMS = {
  'SCRAM-SHA-256': SCRAM_LOGIN,
  'SCRAM-SHA-512': SCRAM_LOGIN,
  PLAIN: 'org.apache.kafka.common.security.plain.PlainLoginModule required user_bob="builder";'
}

/** Arguments for `format` that create a SCRAM user. */
export function scramUser(mechanism: string, user: string, password: string): string[] {
  return ['--add-scram', `${mechanism}=[name=${user},password=${password}]`]
}

/** A broker with a plain listener for the tests' own tools and a secured one, `secureBrokers`. */
export async function startSecureKafka(options: SecureKafkaOptions): Promise<Kafka> {
  const { security, certificate, clients, mechanisms = {} } = options
  const at = 'listener.name.secure'
  const properties: Record<string, string> = {}
  if (certificate !== undefined) {
    properties[`${at}.ssl.keystore.type`] = 'PEM'
    properties[`${at}.ssl.keystore.location`] = certificate.store
  }
  if (clients !== undefined) {
    properties[`${at}.ssl.client.auth`] = 'required'
    properties[`${at}.ssl.truststore.type`] = 'PEM'
    properties[`${at}.ssl.truststore.location`] = clients.ca
  }
  if (security !== 'SSL') properties[`${at}.sasl.enabled.mechanisms`] = Object.keys(mechanisms).join(',')
  for (const [mechanism, jaas] of Object.entries(mechanisms)) {
    properties[`${at}.${mechanism.toLowerCase()}.sasl.jaas.config`] = jaas
  }
  return await startKafka({
    security,
    properties: { ...properties, ...options.properties },
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.format === undefined ? {} : { format: options.format }),
    ...(options.env === undefined ? {} : { env: options.env })
  })
}

/** The broker's settings to verify the tokens of an issuer. */
export function oauthBroker(issuer: { readonly url: string; readonly jwksUrl: string }) {
  const at = 'listener.name.secure.oauthbearer'
  const handler = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler'
  return {
    mechanisms: { OAUTHBEARER: 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;' },
    properties: {
      [`${at}.sasl.server.callback.handler.class`]: handler,
      // Since 4.1, a broker needs the name of its validator: the default is that of clients.
      'sasl.oauthbearer.jwt.validator.class': 'org.apache.kafka.common.security.oauthbearer.BrokerJwtValidator',
      'sasl.oauthbearer.jwks.endpoint.url': issuer.jwksUrl,
      'sasl.oauthbearer.expected.audience': 'kafka',
      'sasl.oauthbearer.expected.issuer': issuer.url
    },
    // Since 4.0, a broker only connects to the addresses that this allows.
    env: { JAVA_TOOL_OPTIONS: `-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${issuer.jwksUrl}` }
  }
}

/** Only users with permissions may act; the plain listener's clients may do everything. */
export const AUTHORIZER = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS'
}
