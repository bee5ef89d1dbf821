import { createSecureContext } from 'node:tls'
import type { KafkaSasl, KafkaSsl } from './config.ts'
import { regionOfBroker } from './network-parsers.ts'
import type { Values, VariableName } from './variables.ts'

const SSL_DETAILS = ['KAFKA_SSL_CA', 'KAFKA_SSL_CERT', 'KAFKA_SSL_KEY', 'KAFKA_SSL_KEY_PASSPHRASE'] as const

/** Problems with combinations of Kafka's variables. */
export function kafkaContradictions(values: Values): string[] {
  const found: string[] = []
  const details = SSL_DETAILS.filter(name => values[name] !== undefined)
  if (details[0] !== undefined && !values.KAFKA_SSL) {
    found.push(`${details[0]} is set, but KAFKA_SSL is not: set KAFKA_SSL=true`)
  }
  const { KAFKA_SSL_CERT: cert, KAFKA_SSL_KEY: key, KAFKA_SSL_KEY_PASSPHRASE: passphrase } = values
  if (cert !== undefined && key === undefined) found.push('KAFKA_SSL_CERT needs KAFKA_SSL_KEY too')
  if (cert === undefined && key !== undefined) found.push('KAFKA_SSL_KEY needs KAFKA_SSL_CERT too')
  if (key === undefined && passphrase !== undefined) found.push('KAFKA_SSL_KEY_PASSPHRASE needs KAFKA_SSL_KEY too')
  if (cert !== undefined && key !== undefined) {
    try {
      createSecureContext({ cert, key, ...(passphrase === undefined ? {} : { passphrase }) })
    } catch (error) {
      found.push(`KAFKA_SSL_CERT and KAFKA_SSL_KEY cannot be used together: ${reasonOf(error)}`)
    }
  }
  return [...found, ...saslContradictions(values)]
}

const PASSWORD_VARIABLES = ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const
const OAUTH_NEEDS = ['KAFKA_OAUTH_TOKEN_URL', 'KAFKA_OAUTH_CLIENT_ID', 'KAFKA_OAUTH_CLIENT_SECRET'] as const
const OAUTH_VARIABLES = [...OAUTH_NEEDS, 'KAFKA_OAUTH_SCOPE', 'KAFKA_OAUTH_AUDIENCE'] as const

/** The variables that the SASL mechanism lacks, and those that it does not use. */
function saslContradictions(values: Values): string[] {
  const { KAFKA_SASL_MECHANISM: mechanism } = values
  const given = (names: readonly VariableName[]): VariableName[] => names.filter(name => values[name] !== undefined)
  const all = given([...PASSWORD_VARIABLES, ...OAUTH_VARIABLES, 'KAFKA_AWS_REGION'])
  if (mechanism === undefined) {
    return all.length === 0 ? [] : [`${all.join(' and ')} needs KAFKA_SASL_MECHANISM too`]
  }
  const [needs, uses]: readonly (readonly VariableName[])[] =
    mechanism === 'OAUTHBEARER'
      ? [OAUTH_NEEDS, OAUTH_VARIABLES]
      : mechanism === 'AWS_MSK_IAM'
        ? [[], ['KAFKA_AWS_REGION']]
        : [PASSWORD_VARIABLES, PASSWORD_VARIABLES]
  const missing = (needs ?? []).filter(name => values[name] === undefined)
  const useless = all.filter(name => uses?.includes(name) !== true)
  return [
    ...(missing.length === 0 ? [] : [`KAFKA_SASL_MECHANISM=${mechanism} needs ${missing.join(' and ')} too`]),
    ...(useless.length === 0 ? [] : [`KAFKA_SASL_MECHANISM=${mechanism} has no use for ${useless.join(' and ')}`]),
    ...(mechanism === 'AWS_MSK_IAM' ? mskContradictions(values) : [])
  ]
}

function mskContradictions(values: Values): string[] {
  const found: string[] = []
  if (!values.KAFKA_SSL) found.push('KAFKA_SASL_MECHANISM=AWS_MSK_IAM needs KAFKA_SSL=true')
  if (mskRegion(values) === undefined) found.push('KAFKA_SASL_MECHANISM=AWS_MSK_IAM needs KAFKA_AWS_REGION too')
  return found
}

function mskRegion({ KAFKA_AWS_REGION: region, KAFKA_BROKERS: brokers = [] }: Values): string | undefined {
  return region ?? brokers.map(regionOfBroker).find(found => found !== undefined)
}

export function toKafkaSasl(values: Values): KafkaSasl | undefined {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = values
  if (mechanism === 'AWS_MSK_IAM') return { mechanism, region: mskRegion(values) ?? '' }
  if (mechanism === 'OAUTHBEARER') {
    return {
      mechanism,
      tokenUrl: values.KAFKA_OAUTH_TOKEN_URL ?? '',
      clientId: values.KAFKA_OAUTH_CLIENT_ID ?? '',
      clientSecret: values.KAFKA_OAUTH_CLIENT_SECRET ?? '',
      scope: values.KAFKA_OAUTH_SCOPE,
      audience: values.KAFKA_OAUTH_AUDIENCE
    }
  }
  return mechanism && { mechanism, username: username ?? '', password: password ?? '' }
}

/** A readable reason: OpenSSL's message about a wrong or missing passphrase does not mention the passphrase. */
function reasonOf(error: unknown): string {
  const { message } = error as Error
  if (!/passphrase|interrupted or cancelled|bad decrypt|bad password/i.test(message)) return message
  return 'the key is encrypted, and KAFKA_SSL_KEY_PASSPHRASE is missing or wrong'
}

export function toKafkaSsl(values: Values): KafkaSsl | undefined {
  if (!values.KAFKA_SSL) return undefined
  return {
    ca: values.KAFKA_SSL_CA,
    cert: values.KAFKA_SSL_CERT,
    key: values.KAFKA_SSL_KEY,
    passphrase: values.KAFKA_SSL_KEY_PASSPHRASE
  }
}
