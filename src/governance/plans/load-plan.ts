import { readFile } from 'node:fs/promises'
import { CompiledPlan } from './judge/compiled-plan.ts'
import { parsePlan } from './parse-plan.ts'
import type { Plan } from './plan.ts'

/** Reads a plan's file. Rejects with ConfigError if it is not a valid plan. */
export async function loadPlan(file: string): Promise<Plan> {
  return parsePlan(await readFile(file, 'utf8'), file)
}

/** As loadPlan(), and compiles every rule, so that a schema that cannot be compiled is found now. */
export async function loadCompiledPlan(file: string): Promise<CompiledPlan> {
  const plan = new CompiledPlan(await loadPlan(file))
  while (plan.compileSome(100));
  return plan
}
