import { dirname, resolve } from 'node:path'
import { watchFile } from '../../../keys/store/watch-file.ts'
import type { FileWatch } from '../../../keys/store/watch-file.ts'
import type { Observation } from '../../../keys/read-file.ts'
import { readObservation } from '../../../keys/read-file.ts'
import type { Clock } from '../../../model/clock.ts'
import { ConfigError } from '../../../model/config-error.ts'
import type { PlanSettings } from '../../../model/plans/plan-settings.ts'
import type { TributaryFile } from '../../../model/tributary-file.ts'
import type { CompiledPlan } from '../judge/compiled-plan.ts'

export interface PlanStoreOptions {
  /** tributary.yml. The files of plans are beside it. */
  readonly configFile: string
  readonly clock: Clock
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void }
}

/**
 * The plans in force, by their files. Each file is read again within 2 s of a change. If it is not valid, the last
 * valid plan stays.
 */
export interface PlanStore {
  /** Undefined if no source of the file in force names it. */
  planOf(settings: PlanSettings): CompiledPlan | undefined
  /**
   * Reads the plans that an edit of tributary.yml names and that are not loaded yet. Resolves with the function that
   * puts the plans of that edit into force. Rejects with ConfigError if one cannot be used; then nothing has changed.
   */
  prepare(file: TributaryFile): Promise<() => void>
  /** Reads all files now. */
  check(): void
  close(): Promise<void>
}

interface Followed {
  plan: CompiledPlan
  readonly watch: FileWatch
}

export function createPlanStore({ configFile, clock, log }: PlanStoreOptions): PlanStore {
  const folder = dirname(resolve(configFile))
  const followed = new Map<string, Followed>()

  async function read(file: string, seen: Observation): Promise<CompiledPlan> {
    if (seen.text === undefined) throw new ConfigError([seen.problem ?? `${file}: cannot be read`])
    // Loaded with the first plan: the engine of patterns alone is 260 KB of code, and most servers have no plan.
    const { compilePlan } = await import('./compile-plan.ts')
    return compilePlan(seen.text, file)
  }

  function follow(file: string, known: Observation, plan: CompiledPlan): Followed {
    const entry: Followed = { plan, watch: watchFile({ file: resolve(folder, file), known, clock, onSettled }) }
    let latest: Observation = known
    function onSettled(seen: Observation): void {
      latest = seen
      void take(seen)
    }
    async function take(seen: Observation): Promise<void> {
      try {
        const next = await read(file, seen)
        // The file has changed again in the meantime.
        if (latest !== seen) return
        entry.plan = next
        log.info({ file, rules: next.ruleCount }, 'tracking plan reloaded')
      } catch (error) {
        const problem = (error as Error).message
        log.warn({ file, problem }, 'tracking plan not usable; the last good one stays')
      }
    }
    return entry
  }

  return {
    planOf: ({ file }) => followed.get(file)?.plan,
    async prepare(config) {
      const wanted = new Set(config.sources.flatMap(({ plan }) => (plan === undefined ? [] : [plan.file])))
      const added = [...wanted].filter(file => !followed.has(file))
      const loaded = await Promise.all(
        added.map(async file => {
          const seen = await readObservation(resolve(folder, file))
          return { file, seen, plan: await read(file, seen) }
        })
      )
      return () => {
        for (const { file, seen, plan } of loaded) {
          if (!followed.has(file)) followed.set(file, follow(file, seen, plan))
        }
        forgetOthers(followed, wanted)
      }
    },
    check() {
      for (const { watch } of followed.values()) watch.check()
    },
    async close() {
      await Promise.all([...followed.values()].map(({ watch }) => watch.close()))
    }
  }
}

function forgetOthers(followed: Map<string, Followed>, wanted: ReadonlySet<string>): void {
  for (const [file, { watch }] of followed) {
    if (wanted.has(file)) continue
    followed.delete(file)
    void watch.close()
  }
}
