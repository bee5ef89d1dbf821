import { rm } from 'node:fs/promises'
import { readPublicUrl } from '../../config/env/environment.ts'
import type { AppKey } from '../../model/oauth/oauth.ts'
import type { KeyedTributaryFile } from '../../model/tributary-file.ts'
import { auditCommand } from '../audited.ts'
import type { ParsedArguments, Terminal } from '../command.ts'
import { editKeys } from '../keys/keys-file.ts'
import { newKeyPair, writePrivateKey } from './key-pair.ts'
import { sdkLines } from './sdk-lines.ts'

export const KEY_OPTIONS = { kid: { type: 'string' }, out: { type: 'string' }, json: { type: 'boolean' } } as const

export const KEY_HELP = `  --out FILE       where to write the private key (default: APP-KID.pem)
  --json           print the app, the key id and the file as JSON`

export interface AddedKey {
  readonly id: string
  readonly kid: string
  /** The name of the command, for the audit and the fleet's history. */
  readonly why: string
  /** Returns the text of the config file with the public key added. */
  edit(text: string, before: KeyedTributaryFile, key: AppKey): string
}

/**
 * Creates a key pair for an app: writes the private key to a new file, adds the public key to the configuration, and prints
 * the settings for SDKs. If the configuration cannot be edited, the key file is removed.
 */
export async function addKey(
  parsed: ParsedArguments,
  terminal: Terminal,
  { id, kid, why, edit }: AddedKey
): Promise<void> {
  const keyFile = parsed.texts['out'] ?? `${id}-${kid}.pem`.replaceAll(/[^\w.-]/g, '_')
  const { publicPem, privatePem } = await newKeyPair()
  await writePrivateKey(keyFile, privatePem)
  const printInForce = await editKeys(parsed, why, (text, before) => ({
    text: edit(text, before, { kid, pem: publicPem }),
    added: [],
    removed: []
  })).catch(async (error: unknown) => {
    await rm(keyFile)
    throw error
  })
  auditCommand('key_added', `${why}: ${kid} added`)
  terminal.note(`the private key is in ${keyFile}`)
  terminal.out(
    parsed.flags.has('json')
      ? JSON.stringify({ app: id, kid, keyFile })
      : sdkLines({ id, kid, keyFile, publicUrl: readPublicUrl() })
  )
  await printInForce(terminal)
}
