import { EVENT_TYPES } from '../../model/event-types.ts'
import { OUTCOMES } from '../../model/outcome.ts'
import type { AdminClient } from '../admin-client.ts'
import { checkChoice, checkReason } from '../check-choice.ts'
import type { ParsedArguments } from '../command.ts'

/** The options that filter events of a running server; the API has the same names. */
export const FILTERS = ['source', 'type', 'outcome', 'code', 'event', 'user', 'text'] as const

export const FILTER_HELP = `  --source ID     only these sources (several: web,ios); --type, --outcome and --code take several too
  --type TYPE     track, identify, page, screen, group, alias
  --outcome NAME  accepted, duplicate, rejected, rate_limited, failed, filtered, suppressed
  --code CODE     the reason of a rejection
  --event NAME    the event's name; * matches anything
  --user ID       userId or anonymousId; * matches anything
  --text TEXT     a text anywhere in the payload`

/** Returns the given filters as a URL query. Throws UsageError for a value that no event can have. */
export function filterQuery({ texts }: ParsedArguments): URLSearchParams {
  for (const type of listed(texts['type'])) checkChoice('--type', type, [...EVENT_TYPES, 'unknown'])
  for (const outcome of listed(texts['outcome'])) checkChoice('--outcome', outcome, OUTCOMES)
  for (const code of listed(texts['code'])) checkReason(code)
  const given = FILTERS.flatMap(name => (texts[name] === undefined ? [] : [[name, texts[name]] as [string, string]]))
  return new URLSearchParams(given)
}

/** Rejects with UsageError for a source that the server does not have, because no event would ever match. */
export async function checkSources({ texts }: ParsedArguments, client: AdminClient): Promise<void> {
  const wanted = listed(texts['source'])
  if (wanted.length === 0) return
  const { sources } = (await (await client.get('/api/sources')).json()) as { sources: readonly { id: string }[] }
  for (const source of wanted)
    checkChoice(
      '--source',
      source,
      sources.map(({ id }) => id)
    )
}

/** The comma-separated words of an option. */
function listed(text = ''): string[] {
  return text.split(',').filter(word => word !== '')
}
