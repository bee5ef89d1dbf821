import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { topicTemplateFault } from '../topic-template.ts'

/** Parses the text of a variable, which is trimmed and not empty. Throws an Error that says what is expected. */
export type Parser<T> = (text: string) => T

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const UNIT_BYTES = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40
} as const

export function throwExpected(what: string): never {
  throw new Error(`expected ${what}`)
}

/** Parses `750ms`, `10s`, `5m`, `24h` or `7d` to milliseconds; undefined for any other text. */
export function toMilliseconds(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?(ms|s|m|h|d)$/.exec(text)
  return match ? Math.round(Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS]) : undefined
}

/** Parses `512000`, `500KB` or `10GiB` to bytes; undefined for any other text. */
function toBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([kmgt]?i?b|)$/i.exec(text)
  const unit = UNIT_BYTES[match?.[2]?.toLowerCase() as keyof typeof UNIT_BYTES]
  const bytes = match && unit !== undefined ? Math.floor(Number(match[1]) * unit) : undefined
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** A duration in milliseconds. The bounds are texts, so that the message has them in the operator's form. */
export function duration(least: string, most: string): Parser<number> {
  const [from, to] = [toMilliseconds(least) ?? 0, toMilliseconds(most) ?? 0]
  return text => {
    const value = toMilliseconds(text)
    return value !== undefined && value >= from && value <= to
      ? value
      : throwExpected(`a duration from ${least} to ${most}, such as 750ms, 10s, 5m, 24h or 7d`)
  }
}

/** A size in bytes, at least 1. */
export function size(most: string): Parser<number> {
  const to = toBytes(most) ?? 0
  return text => {
    const value = toBytes(text)
    return value !== undefined && value >= 1 && value <= to
      ? value
      : throwExpected(`a size from 1 byte to ${most}, such as 512000, 500KB or 10GiB`)
  }
}

export function integer(least: number, most: number): Parser<number> {
  return text => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
    return value >= least && value <= most ? value : throwExpected(`a whole number from ${least} to ${most}`)
  }
}

export function integerOrOff(least: number, most: number): Parser<number | undefined> {
  const number = integer(least, most)
  return text => {
    if (text.toLowerCase() === 'off') return undefined
    try {
      return number(text)
    } catch {
      return throwExpected(`"off" or a whole number from ${least} to ${most}`)
    }
  }
}

/** The most workers. More workers than cores only cost memory. */
const MAX_WORKERS = 64

/** A number of workers; undefined for `off`. */
export const workers: Parser<number | undefined> = value => {
  const word = value.toLowerCase()
  if (word === 'off') return undefined
  if (word === 'auto') return Math.min(MAX_WORKERS, availableParallelism())
  const count = Number(value)
  if (!Number.isInteger(count) || count < 1 || count > MAX_WORKERS) {
    throwExpected(`a number from 1 to ${MAX_WORKERS}, auto or off`)
  }
  return count
}

/** A size in bytes; 0 for `off`. */
export function sizeOrOff(most: string): Parser<number> {
  const bytes = size(most)
  return text => {
    if (text.toLowerCase() === 'off') return 0
    try {
      return bytes(text)
    } catch {
      return throwExpected(`"off" or a size from 1 byte to ${most}, such as 512000, 500KB or 10GiB`)
    }
  }
}

export const boolean: Parser<boolean> = text => {
  const word = text.toLowerCase()
  if (['true', 'yes', 'on', '1'].includes(word)) return true
  if (['false', 'no', 'off', '0'].includes(word)) return false
  return throwExpected('true or false')
}

/** One of `words`, case-insensitive. */
export function oneOf<const W extends string>(words: readonly W[]): Parser<W> {
  return text =>
    words.find(word => word.toLowerCase() === text.toLowerCase()) ?? throwExpected(`one of ${words.join(', ')}`)
}

/** A comma-separated list of some of `words`. */
export function severalOf<const W extends string>(words: readonly W[]): Parser<W[]> {
  return text =>
    list(text).map(part => words.find(word => word === part) ?? throwExpected(`a list of ${words.join(', ')}`))
}

/** A client id with characters that brokers accept in the names of their metrics; `{host}` is the only placeholder. */
export const clientId: Parser<string> = value =>
  /^(?:[\w.-]|\{host\}){1,100}$/.test(value)
    ? value
    : throwExpected('up to 100 letters, digits, ".", "_", "-", and {host} for the name of the machine')

export const text: Parser<string> = value => value

export function list(value: string): string[] {
  return value
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
}

export const topic: Parser<string> = value => {
  const fault = topicTemplateFault(value)
  if (fault !== undefined) throw new Error(fault)
  return value
}

/** The prefix of topics' names, in Kafka's characters and within its limit of 249. */
export const fleetName: Parser<string> = value => {
  if (/^[A-Za-z0-9._-]{1,200}$/.test(value) && !/^\.+$/.test(value)) return value
  throw new Error('expected 1 to 200 letters, digits, ".", "_" or "-"')
}

export interface Retention {
  readonly maxAgeMs: number | undefined
  readonly maxBytes: number | undefined
}

/** `keep`, an age, a size, or both; with both, the one that is reached first applies. */
export const retention: Parser<Retention> = value => {
  if (value.toLowerCase() === 'keep') return { maxAgeMs: undefined, maxBytes: undefined }
  const wanted = '"keep", an age, a size, or both, such as 7d, 20GiB or 7d,20GiB'
  let [maxAgeMs, maxBytes]: (number | undefined)[] = []
  for (const part of list(value)) {
    const age = toMilliseconds(part)
    const bytes = age === undefined ? toBytes(part) : undefined
    if ((age ?? bytes ?? 0) <= 0) throwExpected(wanted)
    if ((age !== undefined && maxAgeMs !== undefined) || (bytes !== undefined && maxBytes !== undefined))
      throwExpected(wanted)
    maxAgeMs = age ?? maxAgeMs
    maxBytes = bytes ?? maxBytes
  }
  return maxAgeMs === undefined && maxBytes === undefined ? throwExpected(wanted) : { maxAgeMs, maxBytes }
}

/** The content of a file, without the line end that editors append. */
export const secretFile: Parser<string> = path => {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new Error(`expected a file that can be read (${(error as NodeJS.ErrnoException).code})`, { cause: error })
  }
}
