import type { Effect, GovernanceRule } from '../../model/governance/rules.ts'
import type { Outcome } from '../../model/outcome.ts'
import type { Fault } from '../../model/reasons.ts'
import type { Answer } from './answer.ts'
import { countsAnswer, faultAnswer, partialAnswer, SUCCESS, unavailableAnswer } from './answer.ts'
import type { IngestRequest, Ledger } from './contract.ts'
import type { EventEntry } from './entry.ts'
import { countRoutes } from '../route/route-count.ts'
import type { BadEvent } from '../judge/judge.ts'

/** Counts the events of a request as received, by type. */
export function countReceived(entries: readonly EventEntry[], source: string, ledger: Ledger): void {
  forEachKind(entries, hasSameType, ({ type }, events) => ledger.received(source, type, events))
}

/** Counts the outcome of each event, and the routes of accepted and failed events. */
export function countSettled(entries: readonly EventEntry[], source: string, ledger: Ledger): void {
  forEachKind(entries, hasSameOutcome, ({ type, outcome, fault }, events) => {
    ledger.settled({ source, type, outcome, ...(fault === undefined ? {} : { code: fault.code }) }, events)
  })
  const routes = countRoutes(entries)
  if (routes.length > 0) ledger.routed(routes)
}

export interface AnswerFacts {
  /** The refused events, in order. */
  readonly bad: readonly BadEvent[]
  /** Why the request was refused as a whole. */
  readonly refusal: Fault | undefined
  readonly request: Pick<IngestRequest, 'endpoint' | 'wantsCounts'>
  readonly partialStatus: 200 | 400
}

/** The answer to a request whose events all have their outcomes. The answer does not mention events that rules have ended. */
export function answerOf(
  entries: readonly EventEntry[],
  { bad, refusal, request, partialStatus }: AnswerFacts
): Answer {
  const count = (outcome: Outcome): number =>
    entries.reduce((sum, entry) => sum + (entry.outcome === outcome ? 1 : 0), 0)
  if (count('failed') > 0) return unavailableAnswer('another request with the same messageId failed', 1)
  const [first] = bad
  if (refusal !== undefined) return faultAnswer(refusal)
  const isSingle = request.endpoint.kind === 'single'
  if (first === undefined && (isSingle || request.wantsCounts !== true)) return SUCCESS
  if (first !== undefined && isSingle) return faultAnswer(first.fault)
  const counts = {
    accepted: count('accepted'),
    duplicates: count('duplicate'),
    rejected: bad.length,
    dropped: count('suppressed') + count('filtered')
  }
  return first === undefined ? countsAnswer(counts) : partialAnswer(bad, counts, partialStatus)
}

/** Counts the events on which each rule had an effect. */
export function countEffects(
  effects: readonly (readonly Effect[] | undefined)[],
  source: string,
  ledger: Ledger
): void {
  const counts = new Map<GovernanceRule, number>()
  for (const eventEffects of effects) {
    for (const rule of new Set(eventEffects?.map(effect => effect.rule))) counts.set(rule, (counts.get(rule) ?? 0) + 1)
  }
  for (const [rule, events] of counts) ledger.governed(source, rule, events)
}

function hasSameType(a: EventEntry, b: EventEntry): boolean {
  return a.type === b.type
}

function hasSameOutcome(a: EventEntry, b: EventEntry): boolean {
  return a.type === b.type && a.outcome === b.outcome && a.fault?.code === b.fault?.code
}

interface Count {
  readonly like: EventEntry
  events: number
}

/** Calls `report` for each kind of entries with their number; mostly once, because the events of a request are mostly alike. */
function forEachKind(
  entries: readonly EventEntry[],
  isAlike: (a: EventEntry, b: EventEntry) => boolean,
  report: (like: EventEntry, events: number) => void
): void {
  const [first] = entries
  if (first === undefined) return
  if (entries.every(entry => isAlike(entry, first))) return report(first, entries.length)
  const counts: Count[] = []
  let last: Count | undefined
  for (const entry of entries) {
    if (last === undefined || !isAlike(entry, last.like)) {
      last = counts.find(({ like }) => isAlike(entry, like))
      if (last === undefined) counts.push((last = { like: entry, events: 0 }))
    }
    last.events++
  }
  for (const { like, events } of counts) report(like, events)
}

/** @param marks monotonic milliseconds at the start and after each step; a step that did not run takes 0 ms */
export function timingsOf(marks: readonly number[]): { judgeMs: number; encodeMs: number; publishMs: number } {
  const [start = 0, judged = start, written = judged, ended = written] = marks
  return { judgeMs: judged - start, encodeMs: written - judged, publishMs: ended - written }
}
