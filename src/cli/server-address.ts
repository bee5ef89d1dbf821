import { readEnvironment } from '../config/env/environment.ts'
import type { ParsedArguments } from './command.ts'
import { UsageError } from './command.ts'

/** Every command that calls a running server accepts both options, whichever listener it uses. */
export const SERVER_OPTIONS = { url: { type: 'string' }, admin: { type: 'string' } } as const

export const SERVER_HELP = `  --url URL       the server's tracking API (default: PUBLIC_URL, else as HOST and PORT say)
  --admin URL     its admin listener (default: as ADMIN_HOST and ADMIN_PORT say); the password is ADMIN_PASSWORD`

type Given = Pick<ParsedArguments, 'texts'>

/** The URL of the tracking API for clients, without a trailing slash. Throws UsageError for an invalid --url. */
export function trackingUrl({ texts }: Given): string {
  const { host, port, publicUrl, tls } = readEnvironment()
  return urlOf('url', texts['url']) ?? withoutSlash(publicUrl ?? localUrl(host, port, tls !== undefined))
}

/** The URL of the admin listener, without a trailing slash. Throws UsageError for an invalid --admin. */
export function adminUrl({ texts }: Given): string {
  const { adminHost, adminPort, tls } = readEnvironment()
  return urlOf('admin', texts['admin']) ?? localUrl(adminHost, adminPort, tls !== undefined)
}

/** The URL of a listener on this machine. One on all addresses is reached by the loopback address; IPv6 is in brackets. */
function localUrl(host: string, port: number, isTls: boolean): string {
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `${isTls ? 'https' : 'http'}://${reached.includes(':') ? `[${reached}]` : reached}:${port}`
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
