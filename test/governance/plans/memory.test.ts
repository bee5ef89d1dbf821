import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { CompiledPlan } from '../../../src/governance/plans/judge/compiled-plan.ts'
import { plannedValue } from '../../../src/governance/plans/judge/planned-value.ts'
import { allModes } from '../../../src/governance/plans/judge/settings.ts'
import { parsePlan } from '../../../src/governance/plans/parse-plan.ts'

/** `npm run test:plans:memory` sets 1,000 reloads of 2,000 rules, which take half an hour. */
const RELOADS = Number(process.env['PLAN_RELOADS'] ?? 30)
const RULES = Number(process.env['PLAN_RULES'] ?? 100)
const TOLD_EACH = 50
const MAX_GROWTH_BYTES = 12 * 1024 * 1024

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** A plan whose schemas and patterns all differ from those of the previous plan. */
function planText(reload: number): string {
  const rules = Array.from({ length: RULES }, (_, i) => ({
    type: 'track',
    event: `Event ${i}`,
    schema: {
      properties: {
        properties: {
          type: 'object',
          properties: {
            [`p${reload}`]: { type: ['string', 'null'], maxLength: reload + i },
            code: { type: 'string', pattern: `^${reload}-${i}-[a-z]+$` }
          },
          required: ['code']
        }
      }
    }
  }))
  return JSON.stringify({ name: 'p', rules })
}

const mebibytes = (bytes: number): string => (bytes / 1024 / 1024).toFixed(1)

function heapBytes(): number {
  for (let i = 0; i < 4; i++) collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

t.test('reloads of a plan keep no memory', async t => {
  const modes = allModes('report')
  let inForce: CompiledPlan | undefined
  const reload = (number: number): void => {
    const plan = new CompiledPlan(parsePlan(planText(number), 'p.json'))
    while (plan.compileSome(50));
    for (const event of ['Event 0', `Event ${RULES - 1}`]) {
      plan.compare(plannedValue({ type: 'track', event, properties: { code: 'x', other: 1 } }), modes)
    }
    inForce = plan
  }
  // Memory that the libraries allocate once.
  for (let i = 0; i < 5; i++) reload(i)
  const before = heapBytes()
  for (let i = 0; i < RELOADS; i++) {
    reload(1_000 + i)
    // A leak is a slope, which is visible long before the end.
    if (i % TOLD_EACH === TOLD_EACH - 1)
      t.comment(`after ${i + 1} reloads the heap has grown by ${mebibytes(heapBytes() - before)} MiB`)
  }
  const grown = heapBytes() - before
  t.ok(
    grown < MAX_GROWTH_BYTES,
    `the heap has grown by ${mebibytes(grown)} MiB after ${RELOADS} reloads of ${RULES} rules`
  )
  t.equal(inForce?.ruleCount, RULES)
})
