import { join } from 'node:path'
import { loadContract } from '../../contract/document.ts'
import { CACHE_DIR } from '../../disk/kept-code.ts'
import { openCatalogueStore } from '../../governance/catalogue/catalogue-store.ts'
import { openGovernance } from '../../governance/open.ts'
import { ViolationEvents } from '../../governance/plans/events/violation-events.ts'
import { createWorkQueue } from '../../http/tracking/work-queue.ts'
import { createDedupe } from '../../ingest/dedupe/dedupe.ts'
import { createJudge } from '../../ingest/judge/judge.ts'
import { createValidator } from '../../ingest/judge/validate.ts'
import { createPipeline } from '../../ingest/pipeline/pipeline.ts'
import { createRateLimiter } from '../../ingest/pipeline/rate-limit.ts'
import type { Base } from './base.ts'
import type { Destinations } from './destinations.ts'
import { openIds } from './ids.ts'
import type { Sources } from './sources.ts'

const CONTRACT_FILE = join(import.meta.dirname, '../../../openapi.yml')

export type Ingestion = Awaited<ReturnType<typeof openIngestion>>

/** Creates the parts that process an event between the request and the sink. */
export async function openIngestion(base: Base, { keys, fleet }: Sources, { routing, sink }: Destinations) {
  const { config, logger, clock, metrics, seen, bufferPool } = base
  const contract = loadContract(CONTRACT_FILE, CACHE_DIR)
  const validator = createValidator({ contract, mode: config.validation, limits: config.limits, keepIn: CACHE_DIR })
  const ids = await openIds(base, fleet)
  const workQueue = createWorkQueue()
  const violationEvents = openViolationEvents(base, { routing, sink })
  const onNoted = violationEvents?.note
  const governance = await openGovernance({ ...config, current: keys.current, clock, log: logger, onNoted })
  const file = join(config.dataDir, 'catalogue.json')
  const catalogue = await openCatalogueStore({ file, clock, log: logger })
  const pipeline = createPipeline({
    pause: workQueue.pause,
    judge: createJudge({ validator, limits: config.limits, usePatterns: config.usePatterns }),
    dedupe: createDedupe(ids.windowOf),
    governance: governance.rules,
    router: routing.current,
    sink,
    ledger: metrics,
    observe: report => {
      seen.recent.observe(report)
      catalogue.observe(report)
      violationEvents?.observe(report)
      report.trace?.addSteps(report)
    },
    rateLimiter: createRateLimiter({
      clock,
      maxBatchEvents: config.limits.maxBatchEvents,
      // A worker of a fleet is itself a member of the fleet.
      sharing: fleet?.limits ?? base.rateSharing
    }),
    refusedBytesPerHour: config.refusedBytesPerHour,
    clock,
    bufferPool,
    partialStatus: config.batchPartialStatus
  })
  const close = async (): Promise<void> => {
    await Promise.all([ids.close(), governance.close(), catalogue.close()])
  }
  return { pipeline, ids, governance, catalogue, violationEvents, workQueue, close }
}

type RoutedSink = Pick<Destinations, 'routing' | 'sink'>

function openViolationEvents({ config, clock, metrics, logger }: Base, { routing, sink }: RoutedSink) {
  if (config.violationsTopic === undefined) return undefined
  const topicsOf = (source: string): readonly string[] => routing.current().violationTopics(source)
  return new ViolationEvents({ sink, topicsOf, clock, count: metrics.violationEvents, log: logger })
}
