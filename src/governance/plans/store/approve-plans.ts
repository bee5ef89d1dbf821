import type { EditApproval } from '../../../keys/store/file-key-store.ts'
import type { TributaryFile } from '../../../model/tributary-file.ts'
import type { PlanStore, PlanStoreOptions } from './plan-store.ts'

/**
 * Makes an edit of tributary.yml take effect together with the plans that it names, and only if all of them can be
 * used; then calls `next`.
 */
export function approvePlans(
  plans: PlanStore,
  next: EditApproval,
  { configFile, log }: Pick<PlanStoreOptions, 'configFile' | 'log'>
): EditApproval {
  let wanted: object | undefined

  async function ask(file: TributaryFile, takeEffect: () => void, isWanted: () => boolean): Promise<void> {
    try {
      const adopt = await plans.prepare(file)
      if (!isWanted()) return
      next.request(file, () => {
        adopt()
        takeEffect()
      })
    } catch (error) {
      const problem = (error as Error).message
      log.warn({ file: configFile, problem }, 'config file not usable; the last good one stays')
    }
  }

  return {
    request(file, takeEffect) {
      const edit = {}
      wanted = edit
      const isWanted = (): boolean => wanted === edit
      void ask(file, takeEffect, isWanted)
    },
    withdraw() {
      wanted = undefined
      next.withdraw()
    }
  }
}
