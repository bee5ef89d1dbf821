import type { SinkHealth } from '../../model/sink.ts'
import type { Slot } from './slot.ts'

/** Ready if at least one worker is ready. The problems of the others are listed. */
export function healthOfAll(slots: readonly Slot[]): SinkHealth {
  const ready = slots.some(slot => slot.state === 'listening' && !slot.isSilent && slot.beat?.ready === true)
  const byProblem = new Map<string, number[]>()
  for (const slot of slots) {
    for (const problem of new Set(problemsOf(slot)))
      byProblem.set(problem, [...(byProblem.get(problem) ?? []), slot.index])
  }
  const problems = [...byProblem].map(([problem, workers]) => `${namesOf(workers, slots.length)}: ${problem}`)
  return { ready, problems }
}

/** Kafka counts as reached if all workers that accept requests reach it, because each has a spool of its own. */
export function kafkaOfAll(slots: readonly Slot[]): { readonly reached: boolean; readonly problem: string | null } {
  const listening = slots.filter(({ state }) => state === 'listening')
  const away = listening.filter(slot => slot.isSilent || slot.beat?.kafka !== true).map(({ index }) => index)
  const reached = listening.length > 0 && away.length === 0
  return { reached, problem: away.length === 0 ? null : `${namesOf(away, slots.length)}: Kafka is not reached` }
}

function problemsOf(slot: Slot): readonly string[] {
  switch (slot.state) {
    case 'listening':
      return slot.isSilent ? ['no sign of life for 1 s'] : (slot.beat?.problems ?? [])
    case 'starting':
      return ['starting']
    case 'stopping':
    case 'stopped':
      return ['being replaced']
    default:
      return [slot.problem ?? 'it has ended']
  }
}

function namesOf(workers: readonly number[], count: number): string {
  if (workers.length === count && count > 1) return 'all workers'
  return `${workers.length === 1 ? 'worker' : 'workers'} ${workers.join(', ')}`
}
