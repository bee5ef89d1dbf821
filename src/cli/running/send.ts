import { randomUUID } from 'node:crypto'
import { basicAuthorization } from '../../client/authorization.ts'
import { describeFetchFailure } from '../../client/fetch-failure.ts'
import { testEvent } from '../../client/test-event.ts'
import { EVENT_TYPES, isEventType } from '../../model/event-types.ts'
import type { Command, ParsedArguments } from '../command.ts'
import { CommandFailed, parseArguments, UsageError } from '../command.ts'
import { FILE_HELP, FILE_OPTION, fileOf, writeKeysOf, readableKey, readKeysFile, sourceOf } from '../keys/keys-file.ts'
import { SERVER_HELP, SERVER_OPTIONS, trackingUrl } from '../server-address.ts'

/** Longer than a server waits for Kafka or for the disk. */
const ANSWER_MS = 30_000
const FIELDS = { user: 'userId', anonymous: 'anonymousId', event: 'event', name: 'name', id: 'messageId' } as const
const OBJECTS = ['properties', 'traits', 'context', 'integrations'] as const

export const send: Command = {
  help: `Usage: tributary send TYPE [options]

Sends one event to a running server and prints its answer. TYPE is one of ${EVENT_TYPES.join(', ')}.
Missing fields are filled in, so that the event is valid. Exit code 1 if the answer is not 200.

  --source ID     use the first key of this source (default: the first enabled source)
  --key KEY       use this write key
  --user ID       the userId; --anonymous ID is the anonymousId
  --event NAME    the name of a track call; --name NAME is the name of a page or screen
  --id ID         the messageId
  --json          status, answer and messageId as JSON
  --properties '{...}', --traits, --context, --integrations: JSON objects
${FILE_HELP}
${SERVER_HELP}

Examples:
  tributary send track --event 'Order Completed' --properties '{"revenue":25.5}'
  tributary send identify --source ios --user user-7 --traits '{"plan":"pro"}'`,
  async run(args, terminal) {
    const names = ['source', 'key', ...Object.keys(FIELDS), ...OBJECTS]
    const options = Object.fromEntries(names.map(name => [name, { type: 'string' } as const]))
    const parsed = parseArguments(args, {
      options: { ...options, ...FILE_OPTION, ...SERVER_OPTIONS, json: { type: 'boolean' } },
      positionals: ['TYPE']
    })
    const type = parsed.positionals[0]
    if (!isEventType(type)) throw new UsageError(`"${type}" is not a type; there are: ${EVENT_TYPES.join(', ')}`)
    const event = { ...testEvent(type, `send-${randomUUID()}`), ...given(parsed) }
    const key = parsed.texts['key'] ?? (await keyFor(parsed))
    const url = `${trackingUrl(parsed)}/v1/${type}`
    const { status, text } = await post(url, key, event)
    if (parsed.flags.has('json'))
      terminal.out(JSON.stringify({ status, answer: jsonOrText(text), messageId: event.messageId }))
    else terminal.out(`${status} ${text}`)
    terminal.note(`messageId ${event.messageId}; "tributary trace ${event.messageId}" shows what became of it`)
    if (status !== 200) throw new CommandFailed(`${url} did not take the event`)
  }
}

function given({ texts }: ParsedArguments): object {
  const event: Record<string, unknown> = {}
  for (const [option, field] of Object.entries(FIELDS)) if (texts[option] !== undefined) event[field] = texts[option]
  for (const name of OBJECTS) {
    const text = texts[name]
    if (text === undefined) continue
    try {
      event[name] = JSON.parse(text)
    } catch (error) {
      throw new UsageError(`--${name} is not JSON: ${(error as Error).message}`, { cause: error })
    }
  }
  return event
}

/** The parsed JSON, or the text itself: a proxy may answer with something that is not JSON. */
function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

async function keyFor(parsed: ParsedArguments): Promise<string> {
  const file = await readKeysFile(fileOf(parsed))
  const id = parsed.texts['source']
  const source = id === undefined ? file.file.sources.find(({ enabled }) => enabled) : sourceOf(file, id)
  if (source === undefined) throw new CommandFailed('the config file has no enabled source: name one, or a --key')
  const key = readableKey(writeKeysOf(file, source.id))
  if (key === undefined)
    throw new CommandFailed(`the file holds only digests of the keys of "${source.id}": give a --key`)
  return key
}

async function post(url: string, key: string, event: object): Promise<{ status: number; text: string }> {
  const headers = { authorization: basicAuthorization(key), 'content-type': 'application/json' }
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify(event),
      signal: AbortSignal.timeout(ANSWER_MS)
    })
    return { status: response.status, text: await response.text() }
  } catch (error) {
    throw new CommandFailed(describeFetchFailure(url, error, ': is the server running?'))
  }
}
