import type { OAuthApp } from '../../model/oauth/oauth.ts'
import { formatColumns } from '../format-columns.ts'
import type { Command } from '../command.ts'
import { parseArguments } from '../command.ts'
import { FILE_HELP, FILE_OPTION, readKeys } from '../keys/keys-file.ts'

export const appsList: Command = {
  help: `Usage: tributary apps list [--json] [--file FILE]

Lists the apps that may request OAuth tokens, with the ids of their keys.

  --json       as JSON
${FILE_HELP}

Examples:
  tributary apps list`,
  async run(args, terminal) {
    const parsed = parseArguments(args, { options: { ...FILE_OPTION, json: { type: 'boolean' } } })
    const { file } = await readKeys(parsed)
    const apps = (file.apps ?? []).map(asObject)
    if (parsed.flags.has('json')) return terminal.out(JSON.stringify(apps))
    const rows = apps.map(({ app, kids, sources, ttlSeconds, scope }) => [
      app,
      kids.join(', '),
      sources?.join(', ') ?? 'all',
      `${ttlSeconds} s`,
      scope
    ])
    terminal.out(formatColumns([['APP', 'KEYS', 'SOURCES', 'TTL', 'SCOPE'], ...rows]))
  }
}

function asObject({ id, publicKeys, sources, ttlSeconds, scope }: OAuthApp) {
  return { app: id, kids: publicKeys.map(({ kid }) => kid), sources: sources ?? null, ttlSeconds, scope }
}
