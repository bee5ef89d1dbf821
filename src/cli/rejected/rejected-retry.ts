import type { Config } from '../../config/env/config.ts'
import { readEnvironment } from '../../config/env/environment.ts'
import { loadContract } from '../../contract/document.ts'
import { parseBody } from '../../ingest/parse/body.ts'
import type { Judge } from '../../ingest/judge/judge.ts'
import { createJudge, judgeEvent } from '../../ingest/judge/judge.ts'
import { createValidator } from '../../ingest/judge/validate.ts'
import { auditCommand } from '../audited.ts'
import type { Command, Terminal } from '../command.ts'
import { CommandFailed, parseArguments } from '../command.ts'
import { writeKeysOf, readableKey, readKeysFile } from '../keys/keys-file.ts'
import type { Rejection } from './rejected.ts'
import { FILTER_HELP, FILTER_OPTIONS, readFilter, readRejections } from './rejected.ts'
import type { Change } from './rejected-edit.ts'
import { editEvent, parseChange } from './rejected-edit.ts'
import { salvage } from './rejected-salvage.ts'
import type { Sender } from './rejected-send.ts'
import { createSender } from './rejected-send.ts'
import { SERVER_HELP, SERVER_OPTIONS, trackingUrl } from '../server-address.ts'

const CONTRACT_FILE = new URL('../../../openapi.yml', import.meta.url)
const SHOWN_EVENTS = 3
const PROGRESS_EVERY_MS = 1_000

export const rejectedRetry: Command = {
  help: `Usage: tributary rejected retry [--salvage] [--set PATH=VALUE]... [--send [--url URL]] [filters]

Changes refused events and sends them again. Without --send it only says what would happen, and shows the first events.
Each event keeps its messageId and its time. Events that would be refused again are not sent.

  --set PATH=VALUE  change the event: properties.price=12, or /properties/price=12. The value is JSON if it is
                    valid JSON ("42" is text, 42 a number, null removes the field), else text. May be repeated
  --salvage         extract and send the complete events of bodies that were refused as a whole, with the members that
                    their batch shares. Records of single events are skipped
  --send            post the events to the running server, with the write key of their source in the config file
${SERVER_HELP}
${FILTER_HELP}

Examples:
  tributary rejected retry --code no_user_anon_id --set anonymousId=unknown
  tributary rejected retry --code timestamp_invalid --set timestamp=null --since 24h --send
  tributary rejected retry --salvage --source ios --send`,
  async run(args, terminal) {
    const parsed = parseArguments(args, {
      options: {
        ...FILTER_OPTIONS,
        set: { type: 'string', multiple: true },
        salvage: { type: 'boolean' },
        send: { type: 'boolean' },
        ...SERVER_OPTIONS
      }
    })
    const config = readEnvironment()
    const filter = readFilter(parsed, config)
    const changes = (parsed.lists['set'] ?? []).map(parseChange)
    const url = trackingUrl(parsed)
    const sender = parsed.flags.has('send') ? createSender({ url }) : undefined
    const bodies = parsed.flags.has('salvage') ? { read: 0, broken: 0 } : undefined
    const tally = await retry(readRejections(config, filter), { config, changes, bodies, sender, terminal })
    if (bodies !== undefined) terminal.note(`${bodies.read} rejected bodies, ${bodies.broken} broken events in them`)
    if (sender !== undefined) auditCommand('retry', `${sender.counts.sent} rejected events sent again to ${url}`)
    report(tally, sender, terminal)
  }
}

interface Tally {
  read: number
  /** The number of events that are sent, or that a dry run would send. */
  good: number
  /** The number of events that are not sent, by reason. */
  readonly left: Map<string, number>
}

interface Work {
  readonly config: Config
  readonly changes: readonly Change[]
  /** The counts of bodies, whose events are sent; undefined if the events of other records are sent. */
  readonly bodies: { read: number; broken: number } | undefined
  /** Undefined in a dry run. */
  readonly sender: Sender | undefined
  readonly terminal: Terminal
}

async function retry(rejections: AsyncIterable<Rejection>, work: Work): Promise<Tally> {
  const { config, changes, bodies, sender, terminal } = work
  const judge = makeJudge(config)
  const writeKeyOf = await writeKeys(config)
  const tally: Tally = { read: 0, good: 0, left: new Map() }
  const leave = (why: string): void => void tally.left.set(why, (tally.left.get(why) ?? 0) + 1)
  let next = performance.now() + PROGRESS_EVERY_MS
  for await (const rejection of bodies === undefined ? rejections : salvageAll(rejections, work)) {
    tally.read++
    const event = rejection.kind === 'body' ? undefined : editEvent(rejection, changes)
    const why = event === undefined ? whyNothing(rejection, bodies !== undefined) : faultOf(judge, event)
    const writeKey = writeKeyOf.get(rejection.source)
    if (event === undefined || why !== undefined) leave(why ?? '')
    else if (writeKey === undefined)
      leave(
        `the source "${rejection.source}" is not in ${config.configFile}, or disabled, or has only digests of its keys there`
      )
    else {
      tally.good++
      if (sender === undefined && tally.good <= SHOWN_EVENTS) terminal.out(event)
      await sender?.add(writeKey, event)
    }
    if (performance.now() < next) continue
    next = performance.now() + PROGRESS_EVERY_MS
    terminal.note(
      `read ${tally.read}, ${sender === undefined ? `can be sent ${tally.good}` : `sent ${sender.counts.sent}`}`
    )
  }
  await sender?.end()
  return tally
}

/** Yields the complete events of bodies as if each had been refused alone; yields a body unchanged if its events cannot be sent. */
async function* salvageAll(
  rejections: AsyncIterable<Rejection>,
  { changes, bodies, terminal }: Work
): AsyncGenerator<Rejection> {
  const isRouted = changes.some(({ steps }) => steps[0] === 'integrations')
  for await (const rejection of rejections) {
    if (rejection.kind !== 'body') continue
    const { events, broken, needsIntegrations, lacksContext } = salvage(rejection)
    if (bodies !== undefined) {
      bodies.read++
      bodies.broken += broken
    }
    if (lacksContext)
      terminal.note(`of ${rejection.receivedAt}: the batch's context is not whole, events go without it`)
    if (needsIntegrations && !isRouted) yield rejection
    else yield* events
  }
}

function whyNothing({ kind }: Rejection, isSalvaged: boolean): string {
  if (kind === 'body' && isSalvaged) return "the batch's integrations are not whole: give --set integrations=..."
  if (kind === 'body') return 'a body that was refused as a whole: see --salvage'
  return 'nothing to send: not a JSON object, or --set does not fit'
}

/** The first key of each enabled source, by source id. Sources whose keys are all digests are left out. */
async function writeKeys({ configFile }: Config): Promise<ReadonlyMap<string, string>> {
  const content = await readKeysFile(configFile)
  const enabled = content.file.sources.filter(source => source.enabled)
  const keys = enabled.map(({ id }) => [id, readableKey(writeKeysOf(content, id))] as const)
  return new Map(keys.filter((entry): entry is [string, string] => entry[1] !== undefined))
}

/** Creates a judge with the same settings as the server's. */
function makeJudge({ validation, limits }: Config): Judge {
  const validator = createValidator({ contract: loadContract(CONTRACT_FILE.pathname), mode: validation, limits })
  return createJudge({ validator, limits })
}

function faultOf(judge: Judge, event: string): string | undefined {
  const parsed = parseBody(Buffer.from(`{"batch":[${event}]}`), { endpoint: 'batch', limits: judge.limits })
  if (!parsed.ok) return `refused again: ${parsed.fault.code}`
  const { fault } = judgeEvent(judge, { kind: 'batch' }, parsed.body, 0)
  return fault === undefined ? undefined : `refused again: ${fault.code} (${fault.message})`
}

function report({ read, good, left }: Tally, sender: Sender | undefined, terminal: Terminal): void {
  const reasons = [...left].sort(([, a], [, b]) => b - a).map(([why, events]) => `  ${events} left: ${why}`)
  if (sender === undefined) {
    terminal.note([`${read} rejected events, ${good} of them can be sent`, ...reasons].join('\n'))
    terminal.note('Nothing was sent: add --send to do it.')
    return
  }
  const { sent, refused } = sender.counts
  terminal.note([`${read} rejected events, ${sent} of them sent`, ...reasons].join('\n'))
  if (refused > 0) throw new CommandFailed(`the server has refused ${refused} events again`)
}
