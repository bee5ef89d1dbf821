import type { StoredEvent } from './ring.ts'
import type { JsonObject } from './row.ts'
import { nameOf, parseObject, publishedText, receivedText, userOf } from './row.ts'

/** Selects events. A list means "one of these"; undefined selects all. */
export interface EventFilter {
  readonly source?: readonly string[]
  readonly type?: readonly string[]
  readonly outcome?: readonly string[]
  readonly code?: readonly string[]
  readonly messageId?: string
  /** A pattern: case-insensitive, `*` matches any characters. */
  readonly event?: string
  readonly user?: string
  /** A text anywhere in the payload, case-insensitive. */
  readonly text?: string
}

export type FilterQuery = Readonly<Record<keyof EventFilter, string | undefined>>

/** @param query the parameters of the URL; an empty value counts as missing */
export function parseFilter(query: Partial<FilterQuery>): EventFilter {
  const lists = (['source', 'type', 'outcome', 'code'] as const).map(name => [name, list(query[name])] as const)
  const texts = (['messageId', 'event', 'user', 'text'] as const).map(name => [name, query[name] || undefined] as const)
  return Object.fromEntries([...lists, ...texts].filter(([, value]) => value !== undefined)) as EventFilter
}

function list(value: string | undefined): readonly string[] | undefined {
  const parts = (value ?? '').split(',').filter(part => part !== '')
  return parts.length === 0 ? undefined : parts
}

/** Whether an event matches. Checks what needs no parsing first. */
export type Matcher = (stored: StoredEvent) => boolean

export function createMatcher(filter: EventFilter): Matcher {
  const { source, type, outcome, code, messageId } = filter
  const needles = filter.text === undefined ? [] : spellings(filter.text)
  const event = filter.event === undefined ? undefined : createPattern(filter.event)
  const user = filter.user === undefined ? undefined : createPattern(filter.user)
  return stored => {
    const { request, event: report } = stored
    if (source !== undefined && !source.includes(request.source)) return false
    if (outcome !== undefined && !outcome.includes(report.outcome)) return false
    if (type !== undefined && !type.includes(report.type)) return false
    if (code !== undefined && !code.includes(report.fault?.code ?? '')) return false
    if (messageId !== undefined && messageId !== report.messageId) return false
    if (needles.length > 0 && !holds(stored, needles)) return false
    if (event === undefined && user === undefined) return true
    const value = parseObject(receivedText(stored))
    if (event !== undefined && !event(nameOf(report.type, value))) return false
    return user === undefined || users(value).some(user)
  }
}

function users(value: JsonObject | undefined): string[] {
  return [userOf(value), ...(typeof value?.['anonymousId'] === 'string' ? [value['anonymousId']] : [])]
}

function holds(stored: StoredEvent, needles: readonly string[]): boolean {
  const text = (publishedText(stored) ?? receivedText(stored)).toLowerCase()
  return needles.some(needle => text.includes(needle))
}

/** The text as JSON writes it, and as clients write it that escape everything beyond ASCII (\u00e9). */
function spellings(text: string): string[] {
  const plain = JSON.stringify(text.toLowerCase()).slice(1, -1)
  const escaped = plain.replaceAll(/[\u0080-\uffff]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return plain === escaped ? [plain] : [plain, escaped]
}

/** Takes time linear in both lengths for any pattern, because `*` never backtracks. */
function createPattern(pattern: string): (value: string) => boolean {
  const [first = '', ...rest] = pattern.toLowerCase().split('*')
  const last = rest.pop()
  return value => {
    const text = value.toLowerCase()
    if (last === undefined) return text === first
    if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false
    let at = first.length
    for (const part of rest) {
      const found = text.indexOf(part, at)
      if (found < 0) return false
      at = found + part.length
    }
    return at <= text.length - last.length
  }
}
