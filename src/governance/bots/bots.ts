import type { Governance, Governor } from '../../ingest/govern/governance.ts'
import type { JudgedRequest } from '../../ingest/govern/judged-request.ts'
import type { GoodEvent } from '../../ingest/judge/good-event.ts'
import { KEY } from '../../ingest/parse/known-keys.ts'
import type { BotPolicy } from '../../model/governance/bots.ts'
import type { Effect } from '../../model/governance/rules.ts'
import { contextStamp } from '../privacy/context-stamp.ts'
import { textAt } from '../text-at.ts'
import { UserAgents } from './user-agents.ts'

const FLAGGED: Effect = { rule: 'bots', detail: 'context.userAgent is that of a bot, so context.bot is true' }
const FILTERED: Effect = { rule: 'bots', detail: 'context.userAgent is that of a bot, so the event is not published' }
/** The most cached answers. A few browsers send most events. */
const MAX_KNOWN = 1_000
/** A longer text is not from a browser: only its beginning is examined, and the answer is not cached. */
const MAX_CHARS = 1_000

type IsBot = (userAgent: string) => boolean

/**
 * Detects events of bots by `context.userAgent`, which SDKs in browsers send. The User-Agent of the request is not
 * used: that of a server-side SDK looks like a bot's, but its users are not bots.
 *
 * @param isBot called with at most 1,000 characters
 */
export function createBots(isBot: IsBot): Governance {
  const isBotAgent = remembering(isBot)
  const governors: Readonly<Record<BotPolicy, Governor | undefined>> = {
    off: undefined,
    flag: governorOf(request => flagBots(request, isBotAgent)),
    filter: governorOf(request => filterBots(request, isBotAgent))
  }
  return { of: ({ bots = 'off' }) => governors[bots] }
}

function governorOf(step: (request: JudgedRequest) => void): Governor {
  return { address: address => address, steps: [step], mayKeep: () => true }
}

function remembering(isBot: IsBot): IsBot {
  const known = new Map<string, boolean>()
  return userAgent => {
    if (userAgent.length > MAX_CHARS) return isBot(userAgent.slice(0, MAX_CHARS))
    let answer = known.get(userAgent)
    if (answer === undefined) {
      if (known.size >= MAX_KNOWN) known.clear()
      known.set(userAgent, (answer = isBot(userAgent)))
    }
    return answer
  }
}

function flagBots(request: JudgedRequest, isBot: IsBot): void {
  const found = botsOf(request, isBot)
  for (const [index] of found) request.note(index, FLAGGED)
  request.rewrite(found.flatMap(([, event]) => contextStamp(event.scan, request, 'bot')))
}

function filterBots(request: JudgedRequest, isBot: IsBot): void {
  for (const [index, event] of botsOf(request, isBot)) {
    request.note(index, FILTERED)
    const messageId = textAt(event.scan, event.scan.find(KEY.messageId), request.body) ?? ''
    request.end(index, { outcome: 'filtered', messageId })
  }
}

function botsOf(request: JudgedRequest, isBot: IsBot): readonly (readonly [number, GoodEvent])[] {
  const found: (readonly [number, GoodEvent])[] = []
  const userAgents = new UserAgents(request.body)
  const { events } = request
  for (let index = 0; index < events.length; index++) {
    const event = events[index] as JudgedRequest['events'][number]
    if (event.fault !== undefined || request.verdictOf(index) !== undefined || request.isWithheld(index)) continue
    const userAgent = userAgents.of(event)
    if (userAgent !== undefined && isBot(userAgent)) found.push([index, event])
  }
  return found
}
