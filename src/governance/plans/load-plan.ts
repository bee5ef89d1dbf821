import { readFile } from 'node:fs/promises'
import { CompiledPlan } from './judge/compiled-plan.ts'
import { parsePlan } from './parse-plan.ts'
import type { Plan } from './plan.ts'

/** Reads a plan's file. Throws ConfigError where it is no plan. */
export async function loadPlan(file: string): Promise<Plan> {
  return parsePlan(await readFile(file, 'utf8'), file)
}

/** The same, with every rule compiled: a schema that cannot be is found now. */
export async function loadCompiledPlan(file: string): Promise<CompiledPlan> {
  const plan = new CompiledPlan(await loadPlan(file))
  while (plan.compileSome(100));
  return plan
}
