/**
 * The cost of routing an event, counting included: `node bench/routing.ts`. For each kind of rule, prints nanoseconds
 * an event with 3 destinations, and with 50 destinations of which the event goes to 3. Exits 1 if 50 cost more than
 * twice as much.
 */
import { toRoutedEvent } from '../src/ingest/route/key-of.ts'
import { countRoutes } from '../src/ingest/route/route-count.ts'
import { createRouter } from '../src/ingest/route/route.ts'
import type { RouteInput, Router } from '../src/ingest/route/route.ts'
import type { Destination } from '../src/model/destination.ts'
import { createRouteTotals } from '../src/telemetry/route-totals.ts'

const EVENTS_A_REQUEST = 20
const REQUESTS_A_ROUND = 5_000
const ROUNDS = 15
const MAX_RATIO = 2
const GOES_TO = 3

interface Scenario {
  readonly what: string
  /** The rule's part in the first three destinations, and the part that excludes the event from the others. */
  readonly open?: Partial<Destination>
  readonly closed: Partial<Destination>
  readonly integrations?: Readonly<Record<string, unknown>>
}

const SCENARIOS: readonly Scenario[] = [
  { what: 'rules on sources and types', closed: { types: ['alias'] } },
  { what: 'empty integrations', closed: { sources: ['shop'] }, integrations: {} },
  { what: 'lists of names', open: { events: { allow: ['Signed Up'] } }, closed: { events: { deny: ['Signed Up'] } } },
  { what: 'sampling', open: { sample: { rate: 0.9999 } }, closed: { sample: { rate: 0.0001 } } },
  { what: 'integrations: All false, three named', closed: {}, integrations: { All: false, d0: true, d1: {}, d2: true } }
]

function routerTo(count: number, { open, closed }: Scenario): Router {
  const destinations = Array.from({ length: count }, (_, index): Destination => {
    const any = { name: `d${index}`, topic: `to.d${index}.{type}`, enabled: true, sources: undefined, types: undefined }
    return { ...any, ...(index < GOES_TO ? open : closed) }
  })
  return createRouter({ eventsTopic: 'e', rejectedTopic: 'r', destinations })
}

function someInputs({ integrations }: Scenario): RouteInput[] {
  return Array.from({ length: EVENTS_A_REQUEST * 50 }, (_, index) => {
    const event = toRoutedEvent({ userId: `user-${index}`, event: 'Signed Up' })
    return { type: 'track', source: 'web', event, integrations: integrations && { ...integrations } }
  })
}

/** Routes and counts one request's events, as the pipeline does. */
function routeRequest(router: Router, inputs: readonly RouteInput[], first: number) {
  const entries = []
  for (let n = 0; n < EVENTS_A_REQUEST; n++) {
    const input = inputs[(first + n) % inputs.length] as RouteInput
    const route = router.route(input)
    if (input.integrations !== undefined) router.unknownNames(input.integrations)
    entries.push({ route, outcome: 'accepted' as const })
  }
  return countRoutes(entries)
}

/** Nanoseconds an event in the best round, because other work on the machine can only add time. */
function measure(count: number, scenario: Scenario): number {
  const router = routerTo(count, scenario)
  const inputs = someInputs(scenario)
  let routed = 0
  const totals = createRouteTotals(({ outcome }, events) => (routed += outcome === 'routed' ? events : 0))
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    for (let n = 0; n < REQUESTS_A_ROUND; n++) totals.add(routeRequest(router, inputs, n * EVENTS_A_REQUEST))
    totals.flush()
    best = Math.min(best, performance.now() - start)
  }
  const expected = ROUNDS * REQUESTS_A_ROUND * EVENTS_A_REQUEST * GOES_TO
  if (Math.abs(routed - expected) > expected * 0.01) throw new Error(`${routed} events routed instead of ${expected}`)
  return (best * 1e6) / (REQUESTS_A_ROUND * EVENTS_A_REQUEST)
}

let tooDear = false
for (const scenario of SCENARIOS) {
  const [few, many] = [measure(GOES_TO, scenario), measure(50, scenario)]
  if (many / few > MAX_RATIO) tooDear = true
  const figures = `3: ${few.toFixed(0).padStart(5)} ns   50: ${many.toFixed(0).padStart(5)} ns   x${(many / few).toFixed(2)}`
  console.log(`${scenario.what.padEnd(40)} ${figures}`)
}
if (tooDear) process.exitCode = 1
