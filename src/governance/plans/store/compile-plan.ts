import { setImmediate as nextTurn } from 'node:timers/promises'
import { ConfigError } from '../../../model/config-error.ts'
import { CompiledPlan } from '../judge/compiled-plan.ts'
import { parsePlan } from '../parse-plan.ts'

/** The rules that are compiled in one turn of the event loop, in a few milliseconds. */
const RULES_A_TURN = 5

/**
 * Parses the text of a plan's file and compiles every rule. Other work goes on between the rules. Rejects with ConfigError if the
 * text is not a plan, or if a schema cannot be compiled.
 */
export async function compilePlan(text: string, file: string): Promise<CompiledPlan> {
  const plan = new CompiledPlan(parsePlan(text, file))
  try {
    while (plan.compileSome(RULES_A_TURN)) await nextTurn()
  } catch (error) {
    throw new ConfigError([`${file}: a schema cannot be compiled: ${(error as Error).message}`], { cause: error })
  }
  return plan
}
