import { generateKeyPair } from 'node:crypto'
import { open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { CommandFailed } from '../command.ts'

/** RSA, because Segment's SDKs sign with RS256 only. */
const RSA_BITS = 2048

export interface KeyPair {
  /** SPKI in PEM form. */
  readonly publicPem: string
  /** PKCS #8 in PEM form. */
  readonly privatePem: string
}

export async function newKeyPair(): Promise<KeyPair> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: RSA_BITS })
  return {
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  }
}

/** Writes a private key to a new file that only its owner can read. Rejects with CommandFailed if the file exists. */
export async function writePrivateKey(path: string, pem: string): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(pem)
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw new CommandFailed(`${path} exists already: name another file with --out`)
    throw new CommandFailed(`${path} cannot be written (${code})`, { cause: error })
  }
}

/** The next of `k1`, `k2` and so on after the highest one in use. */
export function nextKid(used: readonly string[]): string {
  const numbers = used.map(kid => Number(/^k(\d{1,9})$/.exec(kid)?.[1] ?? 0))
  return `k${Math.max(0, ...numbers) + 1}`
}
