import { parseTributaryFile } from '../../config/file/tributary-file.ts'
import { isConfigError } from '../../model/config-error.ts'
import { UsageError } from '../command.ts'

/** Throws UsageError if the rules of the config file do not allow this id or name for a source. */
export function checkNewSource({ id, name }: { readonly id: string; readonly name: string }): void {
  try {
    parseTributaryFile(JSON.stringify({ sources: [{ id, name, writeKeys: ['any'] }] }), 'source')
  } catch (error) {
    if (!isConfigError(error)) throw error
    const faults = error.problems.map(problem => problem.replace(/^.*?sources\[0\]\./, ''))
    throw new UsageError(faults.join('; '), { cause: error })
  }
}
