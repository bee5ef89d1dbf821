import { existsSync } from 'node:fs'
import type { Config } from '../../config/env/config.ts'
import { readEnvironment } from '../../config/env/environment.ts'
import { asObject } from '../../ingest/parse/body.ts'
import type { Source } from '../../model/source.ts'
import type { KeyedTributaryFile } from '../../model/tributary-file.ts'
import type { Command, Terminal } from '../command.ts'
import { CommandFailed, parseArguments } from '../command.ts'
import { writeKeysOf, readableKey, readKeys, readKeysFile } from '../keys/keys-file.ts'
import { printable } from '../printable.ts'
import type { Rejection } from './rejected.ts'
import { FILTER_HELP, FILTER_OPTIONS, readFilter, readRejections } from './rejected.ts'
import type { Change } from './rejected-edit.ts'
import { editEvent, parseChange } from './rejected-edit.ts'
import { salvage } from './rejected-salvage.ts'
import type { Sender } from './rejected-send.ts'
import { createSender } from './rejected-send.ts'
import { auditSending } from './audit-sending.ts'
import { SentNotes } from './sent-notes.ts'
import type { RetryJudge } from './retry-judge.ts'
import { openRetryJudge } from './retry-judge.ts'
import { SERVER_HELP, SERVER_OPTIONS, trackingUrl } from '../server-address.ts'

const SHOWN_EVENTS = 3
const SHOWN_IDS = 3
const PROGRESS_EVERY_MS = 1_000

export const rejectedRetry: Command = {
  help: `Usage: tributary rejected retry [--salvage] [--set PATH=VALUE]... [--send [--url URL]] [filters]

Changes refused events and sends them again. Without --send it only says what would happen, and shows the first events.
Each event keeps its messageId and its time. Events that would be refused again, or that the tracking plan, the suppressed
users or another rule of tributary.yml would end, are not sent. Exit code 1 if the server did not accept an event that was sent.

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
    const notes = new SentNotes(config.dataDir)
    const sender = parsed.flags.has('send') ? createSender({ url, onAnswered: notes.add }) : undefined
    const bodies = parsed.flags.has('salvage') ? { read: 0, broken: 0 } : undefined
    const content = await readKeys({ texts: {} })
    // A fleet's version has only digests of the keys, so that this folder's own file, if there is one, has the keys to send with.
    const keys =
      config.fleet === undefined || !existsSync(config.configFile) ? content : await readKeysFile(config.configFile)
    const judge = await openRetryJudge(config, content.file)
    const work = { config, sources: sourcesOf(content, keys), judge, changes, bodies, sender, notes, terminal }
    const audit = sender && auditSending(sender, url)
    let tally: Tally
    try {
      tally = await retry(readRejections(config, filter), work)
      await notes.addBodies()
    } catch (error) {
      audit?.cutShort((error as Error).message)
      throw error
    } finally {
      await judge.close()
    }
    audit?.done()
    if (bodies !== undefined) terminal.note(`${bodies.read} rejected bodies, ${bodies.broken} broken events in them`)
    if (!notes.isKept) terminal.note(`not noted as sent again: ${config.dataDir} is not on this machine`)
    report(tally, sender, terminal)
  }
}

/** The most reasons that are told apart. */
const MAX_REASONS = 100

interface Tally {
  read: number
  /** The number of events that are sent, or that a dry run would send. */
  good: number
  /** The events that are not sent, by reason. */
  readonly left: Map<string, { events: number; readonly ids: string[] }>
}

interface Sending {
  readonly source: Source
  /** Undefined if it is disabled, or has only digests of its keys. */
  readonly writeKey: string | undefined
}

interface Work {
  readonly config: Config
  readonly sources: ReadonlyMap<string, Sending>
  readonly judge: RetryJudge
  readonly changes: readonly Change[]
  /** The counts of bodies, whose events are sent; undefined if the events of other records are sent. */
  readonly bodies: { read: number; broken: number } | undefined
  /** Undefined in a dry run. */
  readonly sender: Sender | undefined
  readonly notes: SentNotes
  readonly terminal: Terminal
}

async function retry(rejections: AsyncIterable<Rejection>, work: Work): Promise<Tally> {
  const { changes, bodies, sender, notes, terminal } = work
  const tally: Tally = { read: 0, good: 0, left: new Map() }
  let next = performance.now() + PROGRESS_EVERY_MS
  for await (const rejection of bodies === undefined ? rejections : salvageAll(rejections, work)) {
    tally.read++
    const event = rejection.kind === 'body' ? undefined : editEvent(rejection, changes)
    const { source, writeKey } = work.sources.get(rejection.source) ?? {}
    const why = event === undefined ? whyNothing(rejection, bodies !== undefined) : whyLeft(event, rejection, work)
    if (event === undefined || why !== undefined || source === undefined || writeKey === undefined) {
      leave(tally, rejection, why ?? '')
      notes.leave(rejection)
    } else {
      tally.good++
      if (sender === undefined && tally.good <= SHOWN_EVENTS) terminal.out(event)
      await sender?.add(writeKey, event, notes.of(rejection))
    }
    if (performance.now() < next) continue
    next = performance.now() + PROGRESS_EVERY_MS
    terminal.note(
      `read ${tally.read}, ${sender === undefined ? `can be sent ${tally.good}` : `sent ${sender.counts.answered}`}`
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

/** Why the server would not accept the event; undefined if it would. */
function whyLeft(event: string, rejection: Rejection, { sources, judge, config }: Work): string | undefined {
  const { source, writeKey } = sources.get(rejection.source) ?? {}
  if (source !== undefined && writeKey !== undefined) return judge.whyNot(event, source)
  return `the source "${rejection.source}" is not in ${config.configFile}, or disabled, or has only digests of its keys there`
}

/** @param given may have names that a client chose */
function leave({ left }: Tally, rejection: Rejection, given: string): void {
  const text = printable(given)
  const why = left.has(text) || left.size < MAX_REASONS ? text : 'for other reasons'
  const reason = left.get(why) ?? { events: 0, ids: [] }
  left.set(why, reason)
  reason.events++
  const id = asObject(rejection.event)?.['messageId']
  if (typeof id === 'string' && reason.ids.length < SHOWN_IDS) reason.ids.push(printable(id))
}

/** The enabled sources by id, each with its first key. */
function sourcesOf(content: KeyedTributaryFile, keys: KeyedTributaryFile): Work['sources'] {
  const enabled = content.file.sources.filter(source => source.enabled)
  return new Map(enabled.map(source => [source.id, { source, writeKey: readableKey(writeKeysOf(keys, source.id)) }]))
}

function report({ read, good, left }: Tally, sender: Sender | undefined, terminal: Terminal): void {
  const reasons = [...left]
    .sort(([, a], [, b]) => b.events - a.events)
    .map(([why, { events, ids }]) => `  ${events} left: ${why}${shownIds(ids, events)}`)
  if (sender === undefined) {
    terminal.note([`${read} rejected events, ${good} of them can be sent`, ...reasons].join('\n'))
    terminal.note('Nothing was sent: add --send to do it. Those that were accepted since then count as duplicates.')
    return
  }
  const { answered, accepted, duplicates, refused, ended, unsaid } = sender.counts
  const parts = [`${accepted} accepted`, `${duplicates} duplicates`]
  if (refused > 0) parts.push(`${refused} refused again`)
  if (ended > 0) parts.push(`${ended} ended by a rule of the server: blocked by a plan, suppressed or filtered`)
  if (unsaid > 0) parts.push(`${unsaid} answered 200 without a word on them`)
  const sent = answered === 0 ? '' : `: ${parts.join(', ')}`
  terminal.note([`${read} rejected events, ${answered} of them sent${sent}`, ...reasons].join('\n'))
  if (refused + ended > 0) throw new CommandFailed(`the server has not accepted ${refused + ended} of the events`)
}

function shownIds(ids: readonly string[], events: number): string {
  return ids.length === 0 ? '' : ` [${ids.join(', ')}${ids.length < events ? ', ...' : ''}]`
}
