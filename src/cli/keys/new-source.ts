import { parseTributaryFile } from '../../config/file/tributary-file.ts'
import { isConfigError } from '../../model/config-error.ts'
import { UsageError } from '../command.ts'

/** Throws UsageError where no source can have this id or name; the config file's own rules decide. */
export function checkNewSource({ id, name }: { readonly id: string; readonly name: string }): void {
  try {
    parseTributaryFile(JSON.stringify({ sources: [{ id, name, writeKeys: ['any'] }] }), 'source')
  } catch (error) {
    if (!isConfigError(error)) throw error
    const faults = error.problems.map(problem => problem.replace(/^.*?sources\[0\]\./, ''))
    throw new UsageError(faults.join('; '), { cause: error })
  }
}
