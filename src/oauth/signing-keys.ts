import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { JWK } from 'jose'
import { createFile } from '../keys/edit/write-file.ts'
import type { Algorithm } from './public-keys.ts'
import { algorithmOf } from './public-keys.ts'

/** A key that signs tokens, or signed them before. */
export interface SigningKey {
  /** The key's thumbprint (RFC 7638), which is the same on every server with this key. */
  readonly kid: string
  readonly algorithm: Algorithm
  readonly publicKey: KeyObject
  /** Undefined if the key signs no more tokens; its earlier tokens are still accepted. */
  readonly privateKey: KeyObject | undefined
}

export interface SigningKeysOptions {
  readonly file: string
  /** Whether the operator has named the file: it must then exist, and is never created. */
  readonly isGiven: boolean
  readonly monotonic: () => number
  readonly log: { error(facts: object, message: string): void }
}

/** When a key is requested, the file is checked for changes at most this often. */
const FRESH_MS = 1_000
const MAX_KEYS = 10
const PEM = /-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g

/**
 * The signing keys in a file of PEM blocks. The first private key signs, and tokens of all keys are accepted. If the operator
 * has named no file, it is created for the first token. All workers of a machine read the same file.
 */
export class SigningKeys {
  readonly #options: SigningKeysOptions
  #keys: readonly SigningKey[] = []
  #text: string | undefined
  #readAt = -Infinity
  #reading: Promise<void> | undefined
  #problem: string | undefined

  constructor(options: SigningKeysOptions) {
    this.#options = options
  }

  /** The key that signs, which is created if there is none. Rejects with a readable Error if it cannot be created or read. */
  async current(): Promise<SigningKey & { readonly privateKey: KeyObject }> {
    await this.#refresh()
    if (this.#keys.length === 0 && this.#problem === undefined && !this.#options.isGiven) await this.#make()
    const first = this.#keys.find(({ privateKey }) => privateKey !== undefined)
    if (first?.privateKey === undefined) throw new Error(this.#problem ?? `${this.#options.file} has no private key`)
    return { ...first, privateKey: first.privateKey }
  }

  /** The key with this kid; undefined if there is none. */
  async find(kid: string): Promise<SigningKey | undefined> {
    const known = this.#keys.find(key => key.kid === kid)
    if (known !== undefined && !this.#isStale()) return known
    await this.#refresh()
    return this.#keys.find(key => key.kid === kid)
  }

  /** Whether there is a key with this kid, by a state of the file that may be a second or two old. */
  isKnown(kid: string): boolean {
    void this.#refresh()
    return this.#keys.some(key => key.kid === kid)
  }

  /** The public keys as a JWK Set (RFC 7517, 5). */
  async publish(): Promise<{ readonly keys: readonly object[] }> {
    await this.#refresh()
    return {
      keys: this.#keys.map(({ kid, algorithm, publicKey }) => ({
        ...publicKey.export({ format: 'jwk' }),
        kid,
        alg: algorithm,
        use: 'sig'
      }))
    }
  }

  #isStale(): boolean {
    return this.#options.monotonic() - this.#readAt > FRESH_MS
  }

  async #refresh(): Promise<void> {
    if (!this.#isStale()) return
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined))
    await this.#reading
  }

  /** Reads the file. A file that cannot be used is logged once, and the last valid keys stay in use. */
  async #read(): Promise<void> {
    const { file, isGiven, log } = this.#options
    this.#readAt = this.#options.monotonic()
    try {
      const text = await readFile(file, 'utf8')
      if (text !== this.#text) this.#keys = await readKeys(text, file)
      this.#text = text
      this.#problem = undefined
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOENT' && !isGiven) {
        this.#keys = []
        this.#text = undefined
        return
      }
      const problem = code === undefined ? (error as Error).message : `${file} cannot be read (${code})`
      if (problem !== this.#problem) log.error({ file, problem }, 'the keys that sign tokens cannot be used')
      this.#problem = problem
    }
  }

  async #make(): Promise<void> {
    const { file } = this.#options
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    // If several processes create the file, one of them succeeds.
    await createFile(file, newSigningKey())
    await this.#read()
  }
}

/** Generates a private key in PEM form. */
function newSigningKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
}

/** The PEM blocks of a text, in order. */
function pemBlocks(text: string): string[] {
  return Array.from(text.matchAll(PEM), ([block]) => block)
}

/** Parses the keys. Rejects with an Error, which quotes nothing, if a block is not a usable key. */
async function readKeys(text: string, file: string): Promise<SigningKey[]> {
  // Only servers with apps have keys, and need the library.
  const { calculateJwkThumbprint } = await import('jose')
  const blocks = pemBlocks(text)
  if (blocks.length === 0 || blocks.length > MAX_KEYS) {
    throw new Error(`${file}: expected 1 to ${MAX_KEYS} keys in PEM form, found ${blocks.length}`)
  }
  return Promise.all(blocks.map((block, index) => readKey(block, `${file}: key ${index + 1}`, calculateJwkThumbprint)))
}

type Thumbprint = (key: JWK) => Promise<string>

async function readKey(block: string, name: string, thumbprint: Thumbprint): Promise<SigningKey> {
  try {
    const privateKey = block.includes('PRIVATE KEY') ? createPrivateKey(block) : undefined
    const publicKey = createPublicKey(block)
    const algorithm = algorithmOf(publicKey)
    const kid = await thumbprint(publicKey.export({ format: 'jwk' }) as JWK)
    return { kid, algorithm, publicKey, privateKey }
  } catch {
    throw new Error(`${name}: expected a key of RSA, P-256 or Ed25519 without a passphrase`)
  }
}
