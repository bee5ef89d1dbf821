import { listenerUrl, localAddress } from '../client/address.ts'
import { readEnvironment } from '../config/env/environment.ts'
import type { ParsedArguments } from './command.ts'
import { UsageError } from './command.ts'

/** Every command that calls a running server accepts both options, whichever listener it uses. */
export const SERVER_OPTIONS = { url: { type: 'string' }, admin: { type: 'string' } } as const

export const SERVER_HELP = `  --url URL       the server's tracking API (default: PUBLIC_URL, else from HOST and PORT)
  --admin URL     its admin listener (default: from ADMIN_HOST and ADMIN_PORT); the password is ADMIN_PASSWORD`

type Given = Pick<ParsedArguments, 'texts'>

/** The URL of the tracking API for clients, without a trailing slash. Throws UsageError for an invalid --url. */
export function trackingUrl({ texts }: Given): string {
  const { host, port, publicUrl, tls } = readEnvironment()
  return (
    urlOf('url', texts['url']) ??
    withoutSlash(publicUrl ?? listenerUrl({ host: localAddress(host), port, isTls: tls !== undefined }))
  )
}

/** The URL of the admin listener, without a trailing slash. Throws UsageError for an invalid --admin. */
export function adminUrl({ texts }: Given): string {
  const { adminHost, adminPort, tls } = readEnvironment()
  return (
    urlOf('admin', texts['admin']) ??
    listenerUrl({ host: localAddress(adminHost), port: adminPort, isTls: tls !== undefined })
  )
}

/** Parses an option; `localhost:3000` means http://localhost:3000. */
function urlOf(option: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const url = withoutSlash(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`)
  if (!URL.canParse(url) || !/^https?:/i.test(url)) {
    throw new UsageError(`--${option} must be a URL such as http://127.0.0.1:3000`)
  }
  return url
}

const withoutSlash = (url: string): string => url.replace(/\/+$/, '')
