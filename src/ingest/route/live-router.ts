import { EVENT_TYPES } from '../../model/event-types.ts'
import type { TributaryFile } from '../../model/tributary-file.ts'
import type { RouteConfig, Router } from './route.ts'
import { createRouter, fillTopic } from './route.ts'
import type { RoutesInForce } from './route-history.ts'
import { RouteHistory } from './route-history.ts'

/** How long to wait for Kafka's answer about topics, at start and for a changed file. */
const START_TIMEOUT_MS = 10_000
const RELOAD_TIMEOUT_MS = 5_000
/** A file whose topics are refused is tried again, because the problem may be solved in Kafka. */
const RETRY_MS = 5_000

export interface LiveRouterOptions {
  readonly topics: Omit<RouteConfig, 'destinations'>
  /** Resolves with the refused topics and the reason for each; empty if Kafka does not answer in time. */
  readonly refusedTopics: (names: readonly string[], timeoutMs: number) => Promise<ReadonlyMap<string, string>>
  /** Called with the topics of each configuration that comes into force. */
  readonly onTopics: (names: readonly string[]) => void
  /** Called once for each changed file that does not come into force, with one line for each problem. */
  readonly onRefused: (problems: readonly string[]) => void
  /** Milliseconds since the epoch; default: the system's clock. */
  readonly now?: () => number
  /** Default 5,000. */
  readonly retryMs?: number
  /** Default 5,000. */
  readonly reloadTimeoutMs?: number
}

/**
 * The router in force. A changed file comes into force only when Kafka accepts all topics that the file adds. Problems with
 * topics that are in force already delay no edit, so that a key can be revoked at any time.
 */
export interface LiveRouter {
  current(): Router
  /** The destinations that were in force lately, oldest first; the last are in force now. */
  history(): readonly RoutesInForce[]
  /** The problems with the topics of the first file. */
  startProblems(): Promise<readonly string[]>
  /**
   * Requests a changed file. `takeEffect` is called in the same turn of the event loop in which the routes come into force;
   * that is at once if the file adds no topic. Resolves after Kafka was asked once. A refused file is tried again until
   * another file is requested.
   */
  request(file: TributaryFile, takeEffect?: () => void): Promise<void>
  /** Cancels the last request. */
  withdraw(): void
}

/** @param first the file that the server starts with, which is in force at once */
export function createLiveRouter(first: TributaryFile, options: LiveRouterOptions): LiveRouter {
  const { retryMs = RETRY_MS, reloadTimeoutMs = RELOAD_TIMEOUT_MS } = options
  let current = makeRouter(first)
  const history = new RouteHistory(first.destinations, options.now ?? Date.now)
  let topicsInForce: ReadonlySet<string> = new Set(current.knownTopics(first.sources))
  let wanted: object | undefined
  let timer: NodeJS.Timeout | undefined

  function makeRouter({ destinations }: TributaryFile): Router {
    const { eventsTopic, rejectedTopic, violationsTopic } = options.topics
    return createRouter({ eventsTopic, rejectedTopic, violationsTopic, destinations })
  }

  async function problemsOf(file: TributaryFile, topics: readonly string[], timeoutMs: number) {
    const refused = await options.refusedTopics(topics, timeoutMs)
    return refused.size === 0 ? [] : topicProblems(file, refused)
  }

  async function problemsInTime(file: TributaryFile, added: readonly string[]): Promise<readonly string[]> {
    const { promise: timedOut, resolve } = Promise.withResolvers<readonly string[]>()
    const timeout = setTimeout(resolve, reloadTimeoutMs, []).unref()
    const asked = problemsOf(file, added, reloadTimeoutMs)
    return Promise.race([asked, timedOut]).finally(() => clearTimeout(timeout))
  }

  async function take(edit: Edit, isReported: boolean): Promise<void> {
    const { file, router, topics } = edit
    const added = topics.filter(name => !topicsInForce.has(name))
    const problems = added.length === 0 ? [] : await problemsInTime(file, added)
    if (wanted !== edit) return
    if (problems.length === 0) {
      history.note(file.destinations)
      ;[wanted, current, topicsInForce] = [undefined, router, new Set(topics)]
      edit.takeEffect?.()
      return options.onTopics(topics)
    }
    if (!isReported) options.onRefused(problems)
    timer = setTimeout(() => void take(edit, true), retryMs).unref()
  }

  function withdraw(): void {
    clearTimeout(timer)
    wanted = undefined
  }

  return {
    current: () => current,
    history: () => history.kept,
    startProblems: () => problemsOf(first, current.knownTopics(first.sources), START_TIMEOUT_MS),
    request(file, takeEffect) {
      withdraw()
      const router = makeRouter(file)
      const edit = { file, router, topics: router.knownTopics(file.sources), takeEffect }
      wanted = edit
      return take(edit, false)
    },
    withdraw
  }
}

interface Edit {
  readonly file: TributaryFile
  readonly router: Router
  readonly topics: readonly string[]
  readonly takeEffect: (() => void) | undefined
}

/** One line for each destination with refused topics, with its position in the file, and one for each other refused topic. */
function topicProblems(
  { sources, destinations, topicPlaces }: TributaryFile,
  refused: ReadonlyMap<string, string>
): readonly string[] {
  const others = new Map(refused)
  const lines = destinations.flatMap(({ topic }, index) => {
    const all = sources.flatMap(({ id }) => EVENT_TYPES.map(type => fillTopic(topic, id, type)))
    const reasons = new Set(all.map(name => refused.get(name)).filter(reason => reason !== undefined))
    for (const name of all) others.delete(name)
    const [reason] = reasons
    if (reason === undefined) return []
    const more = reasons.size > 1 ? ` (and ${reasons.size - 1} more of this template)` : ''
    return [`${topicPlaces[index]}: ${reason}${more}`]
  })
  return [...lines, ...others.values()]
}
