import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import type { ImportInput } from '../../governance/plans/import/draft.ts'
import { CommandFailed } from '../command.ts'

const EXTENSIONS: ReadonlySet<string> = new Set(['.json', '.yaml', '.yml'])
const MAX_FILES = 5_000
const MAX_FILE_BYTES = 32 * 1024 * 1024

/** Parses the JSON and YAML files at these paths, and those in folders and their subfolders. */
export async function readInputs(paths: readonly string[]): Promise<readonly ImportInput[]> {
  const files = (await Promise.all(paths.map(filesOf))).flat()
  if (files.length > MAX_FILES) throw new CommandFailed(`more than ${MAX_FILES} files`)
  const inputs = await Promise.all(files.map(readOne))
  return inputs.flat()
}

async function filesOf(path: string): Promise<readonly string[]> {
  const about = await stat(path).catch(() => undefined)
  if (about === undefined) throw new CommandFailed(`${path}: no such file or folder`)
  if (!about.isDirectory()) return [path]
  const names = await readdir(path, { recursive: true })
  return names
    .filter(name => EXTENSIONS.has(extname(name)) && !name.split('/').some(part => part.startsWith('.')))
    .toSorted()
    .map(name => join(path, name))
}

async function readOne(file: string): Promise<readonly ImportInput[]> {
  const text = (await readFile(file, 'utf8')).replace(/^\uFEFF/, '')
  if (text.length > MAX_FILE_BYTES) throw new CommandFailed(`${file}: larger than ${MAX_FILE_BYTES} bytes`)
  const name = basename(file)
  try {
    return [{ name, data: JSON.parse(text) as unknown }]
  } catch (error) {
    if (extname(file) === '.json') throw new CommandFailed(`${file}: not valid JSON: ${(error as Error).message}`)
  }
  const documents = parseAllDocuments(text)
  const [broken] = documents.flatMap(({ errors }) => errors)
  if (broken !== undefined) throw new CommandFailed(`${file}: not valid YAML: ${broken.message}`)
  return documents.map(document => ({ name, data: document.toJS() as unknown }))
}
