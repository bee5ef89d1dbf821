import { asObject } from '../../ingest/parse/body.ts'
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { recordFolders } from '../../fleet/workers/folders.ts'
import type { Config } from '../../config/env/config.ts'
import { createRouter } from '../../ingest/route/route.ts'
import { EVENT_TYPES } from '../../model/event-types.ts'
import { isSegmentName } from '../../durability/log/segment/segment-name.ts'
import { readTopics } from '../../durability/kafka/topics/read-topics.ts'
import type { ParsedArguments } from '../command.ts'
import { checkChoice, checkReason } from '../check-choice.ts'
import { CommandFailed, UsageError } from '../command.ts'
import { readKeys } from '../keys/keys-file.ts'
import { noteOf, readSentAgain } from './sent-again.ts'
import { readTimeOption, TIME_HELP } from '../time-option.ts'
import { kafkaOptions } from '../../app/kafka-options.ts'

/** A rejected record (schemas/rejected.schema.json) and its JSON. */
export interface Rejection {
  readonly json: string
  /** The record of the body that the event was extracted from; undefined for an event that was refused itself. */
  readonly bodyJson?: string
  /** `body` for a body that was refused as a whole; absent for an event. */
  readonly kind?: 'body'
  readonly body?: string
  readonly complete?: boolean
  readonly event?: unknown
  /** The encoding of `body`, or of an event that is not UTF-8. */
  readonly encoding?: 'utf-8' | 'base64'
  readonly source: string
  /** The type of the call, from the path, or from the event in a batch. Records of earlier versions have none. */
  readonly type?: string
  readonly path?: string
  readonly code: string
  readonly pointer: string
  readonly message: string
  readonly receivedAt: string
  readonly library: { readonly name: string | null; readonly version: string | null }
}

export const FILTER_OPTIONS = {
  from: { type: 'string' },
  source: { type: 'string' },
  code: { type: 'string' },
  library: { type: 'string' },
  type: { type: 'string' },
  event: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  limit: { type: 'string' },
  open: { type: 'boolean' }
} as const

export const FILTER_HELP = `  --from kafka|log  where to read: REJECTED_TOPIC, or DATA_DIR/rejected (default: kafka if KAFKA_BROKERS is set)
  --source ID       only of this source
  --code CODE       only with this reason, as in the answer: no_user_anon_id, ...
  --library NAME    only from this SDK, by the name in context.library
  --type TYPE       only of this type, from the path or the event's own: track, identify, ..., unknown
  --event NAME      only track calls with this name
  --since TIME      only received since then: ${TIME_HELP}
  --until TIME      only received before then
  --open            only records that "rejected retry --send" has not sent again, as noted in DATA_DIR of this machine
  --limit N         stop after N records`

/** The values of the filter options. */
export interface Filter {
  readonly from: 'kafka' | 'log'
  /** Milliseconds since the epoch. */
  readonly since: number
  readonly limit: number
  /** Whether records that were sent again are left out. */
  readonly isOpen: boolean
  matches(rejection: Rejection): boolean
}

export function readFilter({ texts, flags }: ParsedArguments, config: Config): Filter {
  const { source, code, library, type, event, from = config.kafka === undefined ? 'log' : 'kafka' } = texts
  if (from !== 'kafka' && from !== 'log') throw new UsageError('--from is kafka or log')
  if (from === 'kafka' && config.kafka === undefined) throw new UsageError('--from kafka needs KAFKA_BROKERS')
  checkReason(code)
  checkChoice('--type', type, [...EVENT_TYPES, 'unknown'])
  const since = readTimeOption({ texts }, 'since') ?? 0
  const until = readTimeOption({ texts }, 'until') ?? Number.POSITIVE_INFINITY
  const isWanted = (wanted: string | undefined, is: unknown): boolean => wanted === undefined || wanted === is
  return {
    from,
    since,
    limit: readLimit(texts['limit']),
    isOpen: flags.has('open'),
    matches(rejection) {
      const at = Date.parse(rejection.receivedAt)
      const { type: ownType, event: ownName } = asObject(rejection.event) ?? {}
      const callType = rejection.type ?? ownType
      return (
        at >= since &&
        at < until &&
        isWanted(source, rejection.source) &&
        isWanted(code, rejection.code) &&
        isWanted(library, rejection.library.name) &&
        isWanted(type, callType) &&
        isWanted(event, ownName)
      )
    }
  }
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY
  if (!/^[1-9]\d*$/.test(text)) throw new UsageError('--limit is a whole number of 1 or more')
  return Number(text)
}

/** Yields the rejections that match the filter, in the order of reading. Only one is in memory at a time. */
export async function* readRejections(config: Config, filter: Filter): AsyncGenerator<Rejection> {
  let left = filter.limit
  const sent = filter.isOpen ? await readSentAgain(config.dataDir) : new Set<string>()
  const lines = filter.from === 'kafka' ? readKafka(config, filter) : readLogs(config.dataDir)
  for await (const json of lines) {
    const rejection = parseRejection(json)
    if (rejection === undefined || !filter.matches(rejection) || sent.has(noteOf(rejection))) continue
    yield rejection
    if (--left === 0) return
  }
}

async function* readKafka(config: Config, { since }: Filter): AsyncGenerator<string> {
  const { kafka, rejectedTopic } = config
  if (kafka === undefined) return
  const { sources } = (await readKeys({ texts: {} })).file
  const router = createRouter({ eventsTopic: rejectedTopic, rejectedTopic, destinations: [] })
  const topics = sources.flatMap(({ id }) =>
    [...EVENT_TYPES, 'unknown'].flatMap(type => router.rejectedTopics(id, type))
  )
  const settings = { ...kafkaOptions(config, kafka), clientId: 'tributary-cli' }
  try {
    for await (const value of readTopics({ settings, topics: [...new Set(topics)], since })) yield value.toString()
  } catch (error) {
    throw new CommandFailed((error as Error).message)
  }
}

async function* readLogs(dataDir: string): AsyncGenerator<string> {
  for (const dir of await recordFolders(dataDir)) yield* readLog(join(dir, 'rejected'))
}

async function* readLog(dir: string): AsyncGenerator<string> {
  const names = await readdir(dir).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  for (const name of names.filter(isSegmentName).sort()) {
    yield* createInterface({ input: createReadStream(join(dir, name)), crlfDelay: Number.POSITIVE_INFINITY })
  }
}

/** The bytes of a refused body; undefined for a refused event. */
export function bodyOf({ kind, body, encoding }: Rejection): Buffer | undefined {
  if (kind !== 'body' || body === undefined) return undefined
  return Buffer.from(body, encoding === 'base64' ? 'base64' : 'utf8')
}

/** The rejection of a line; undefined for a line that is not complete, because the server is writing it. */
function parseRejection(json: string): Rejection | undefined {
  try {
    const value = asObject(JSON.parse(json))
    return typeof value?.['code'] === 'string' ? ({ json, ...value } as unknown as Rejection) : undefined
  } catch {
    return undefined
  }
}
