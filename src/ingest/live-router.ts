import { EVENT_TYPES } from '../model/event-types.ts'
import type { TributaryFile } from '../model/tributary-file.ts'
import type { RouteConfig, Router } from './route.ts'
import { createRouter, fillTopic } from './route.ts'

/** So long Kafka may take to be there when it is asked about topics: at start, and for a changed file. */
const START_PATIENCE_MS = 10_000
const RELOAD_PATIENCE_MS = 1_000
/** A file whose topics are refused is tried again: what is wrong may be mended in Kafka. */
const RETRY_MS = 5_000

export interface LiveRouterOptions {
  readonly topics: Pick<RouteConfig, 'eventsTopic' | 'rejectedTopic'>
  /** Resolves with the topics that are refused and why; empty where that cannot be known in time. */
  readonly refusedTopics: (names: readonly string[], timeoutMs: number) => Promise<ReadonlyMap<string, string>>
  /** Told the topics of each configuration that comes into force. */
  readonly onTopics: (names: readonly string[]) => void
  /** Told once of each changed file that does not come into force, one line for each problem. */
  readonly onRefused: (problems: readonly string[]) => void
  /** Default 5,000. */
  readonly retryMs?: number
}

/** The router in force. A changed file takes over only when Kafka takes all its topics. */
export interface LiveRouter {
  current(): Router
  /** What is wrong with the topics of the file that the server has started with. */
  startProblems(): Promise<readonly string[]>
  replace(file: TributaryFile): Promise<void>
  close(): void
}

export function createLiveRouter(first: TributaryFile, options: LiveRouterOptions): LiveRouter {
  let current = makeRouter(first)
  let latest: TributaryFile | undefined
  let timer: NodeJS.Timeout | undefined

  function makeRouter({ destinations }: TributaryFile): Router {
    const { eventsTopic, rejectedTopic } = options.topics
    return createRouter({ eventsTopic, rejectedTopic, destinations })
  }

  async function problemsOf(file: TributaryFile, router: Router, patienceMs: number): Promise<readonly string[]> {
    const refused = await options.refusedTopics(router.knownTopics(file.sources), patienceMs)
    return refused.size === 0 ? [] : topicProblems(file, refused)
  }

  async function take(file: TributaryFile, told: boolean): Promise<void> {
    const router = makeRouter(file)
    const problems = await problemsOf(file, router, RELOAD_PATIENCE_MS)
    if (latest !== file) return
    if (problems.length === 0) {
      current = router
      options.onTopics(router.knownTopics(file.sources))
      return
    }
    if (!told) options.onRefused(problems)
    timer = setTimeout(() => void take(file, true), options.retryMs ?? RETRY_MS).unref()
  }

  return {
    current: () => current,
    startProblems: () => problemsOf(first, current, START_PATIENCE_MS),
    replace(file) {
      clearTimeout(timer)
      latest = file
      return take(file, false)
    },
    close() {
      clearTimeout(timer)
      latest = undefined
    }
  }
}

/** One line for each destination that has refused topics, with its place in the file, and one for each other topic. */
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
