import { createSecureContext, type ConnectionOptions } from 'node:tls'
import type { KafkaSasl, KafkaSsl } from '../../config/env/config.ts'
import type { Follow } from '../../config/env/followed-files.ts'
import { secretOf } from '../../config/env/secret-files.ts'
import { signMskToken } from '../../durability/kafka/security/msk-issuer.ts'
import { issueToken } from '../../durability/kafka/security/oauth-issuer.ts'
import type { KafkaSasl as SinkSasl } from '../../durability/kafka/security/sasl-options.ts'
import { createTokenProvider } from '../../durability/kafka/security/token-provider.ts'

/** TLS options for the brokers. The client reads them for each connection, so that it uses the current certificates. */
export function kafkaTls({ ca, cert, key, passphrase }: KafkaSsl, follow: Follow): ConnectionOptions {
  const context = follow({
    variables: ['KAFKA_SSL_CA', 'KAFKA_SSL_CERT', 'KAFKA_SSL_KEY', 'KAFKA_SSL_KEY_PASSPHRASE'],
    texts: [ca, cert, key, passphrase],
    make: ([ca, cert, key, passphrase]) => createSecureContext({ ca, cert, key, passphrase })
  })
  return {
    get secureContext() {
      return context()
    }
  }
}

/** SASL options for the brokers. The client reads the credentials at each connection and each re-authentication. */
export function kafkaSasl(sasl: KafkaSasl, follow: Follow): SinkSasl {
  switch (sasl.mechanism) {
    case 'OAUTHBEARER': {
      const clientSecret = followSecret('KAFKA_OAUTH_CLIENT_SECRET', sasl.clientSecret, follow)
      return { mechanism: 'OAUTHBEARER', token: createTokenProvider(() => issueToken({ ...sasl, clientSecret })) }
    }
    case 'AWS_MSK_IAM':
      return { mechanism: 'OAUTHBEARER', token: createTokenProvider(() => signMskToken(sasl.region)) }
    default:
      return { ...sasl, password: followSecret('KAFKA_SASL_PASSWORD', sasl.password, follow) }
  }
}

/** Returns a function that reads the current value of a secret. */
export function followSecret(
  variable: 'ADMIN_PASSWORD' | 'KAFKA_SASL_PASSWORD' | 'KAFKA_OAUTH_CLIENT_SECRET',
  text: string,
  follow: Follow
): () => string {
  return follow({
    variables: [variable],
    texts: [text],
    make: ([now = '']) => (now === text ? now : secretOf(Buffer.from(now)))
  })
}
