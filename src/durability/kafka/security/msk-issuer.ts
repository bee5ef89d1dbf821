import { TokenTrouble, type IssuedToken } from './token-provider.ts'

/** AWS's own signer. It is a peer dependency, because it brings 75 packages and only users of MSK IAM need them. */
const SIGNER = 'aws-msk-iam-sasl-signer-js'

interface Signer {
  generateAuthToken(options: { region: string }): Promise<{ readonly token: string; readonly expiryTime: number }>
}

/**
 * Creates a token for Amazon MSK with IAM: a signed request. It is made here, with the credentials that AWS's packages
 * find (variables, web identity, container, instance). Rejects with a TokenTrouble that states the cause.
 */
export async function signMskToken(region: string): Promise<IssuedToken> {
  const signer = await loadSigner()
  try {
    const { token, expiryTime } = await signer.generateAuthToken({ region })
    return { token, lifetimeMs: expiryTime - Date.now() }
  } catch (error) {
    const words = (error as Error).message.split('\n', 1)[0]
    throw new TokenTrouble(`there are no AWS credentials to sign with (${words}): check the role of this machine`)
  }
}

async function loadSigner(): Promise<Signer> {
  try {
    const loaded = (await import(SIGNER)) as Signer & { readonly default?: Signer }
    return loaded.default ?? loaded
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new TokenTrouble(`KAFKA_SASL_MECHANISM=AWS_MSK_IAM needs a package of AWS: run "npm install ${SIGNER}"`)
  }
}
