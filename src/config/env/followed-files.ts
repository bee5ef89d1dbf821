import { readFile } from 'node:fs/promises'
import type { VariableName } from './variables.ts'

/** Variables that are used together, and the value that is made from their texts. */
export interface FollowedGroup<T> {
  readonly variables: readonly VariableName[]
  /** Their texts at the start, in the same order; undefined: not set. */
  readonly texts: readonly (string | undefined)[]
  /** Makes the value. Throws an Error, which quotes no secret, if the texts cannot be used. */
  make(texts: readonly (string | undefined)[]): T
}

/** Returns a function that returns the group's current value. */
export type Follow = <T>(group: FollowedGroup<T>) => () => T

export interface FileFollower {
  readonly follow: Follow
  /** Reads the files now and uses their content, without waiting until it is unchanged for two reads. */
  check(): void
  close(): void
}

export interface FollowerOptions {
  /** The variables whose values came from files, with the files. */
  readonly files: Readonly<Partial<Record<VariableName, string>>>
  readonly log: {
    info(facts: object, message: string): void
    error(facts: object, message: string): void
  }
}

/** New content is used after two successive reads with the same result, because files are not always replaced atomically. */
const LOOK_EVERY_MS = 1_000

/** For short-lived programs: keeps the values that were read at the start. */
export const keepInitialValues: Follow = group => {
  const made = group.make(group.texts)
  return () => made
}

/**
 * Watches the files that values came from, so that a new secret or certificate is used without a restart. Content that cannot
 * be used is logged once, and the last valid value stays in use.
 */
export function followFiles({ files, log }: FollowerOptions): FileFollower {
  const looks: ((isAsked: boolean) => Promise<void>)[] = []
  let isLooking = false
  let isAsked = false

  function run(): void {
    if (isLooking) return
    isLooking = true
    const wasAsked = isAsked
    isAsked = false
    void Promise.all(looks.map(look => look(wasAsked))).finally(() => {
      isLooking = false
      if (isAsked) run()
    })
  }

  const timer = setInterval(run, LOOK_EVERY_MS).unref()
  return {
    follow(group) {
      let made = group.make(group.texts)
      const named = group.variables.flatMap(name => files[name] ?? [])
      if (named.length === 0) return () => made
      const watch = createWatch(group, files)
      looks.push(async isAsked => {
        const texts = await watch(isAsked)
        if (texts === undefined) return
        const what = group.variables.filter(name => files[name] !== undefined).join(' and ')
        try {
          for (const text of texts) if (text instanceof Error) throw text
          made = group.make(texts as readonly (string | undefined)[])
          log.info({ files: named }, `${what}: what the files hold now is in force`)
        } catch (error) {
          log.error(
            { files: named, problem: (error as Error).message },
            `${what} cannot be used: the last good one stays`
          )
        }
      })
      return () => made
    },
    check() {
      isAsked = true
      run()
    },
    close: () => clearInterval(timer)
  }
}

type Read = string | undefined | Error

/** Returns a function that reads a group's files: the texts if they are new and stable, an Error if a file cannot be read. */
function createWatch(
  group: FollowedGroup<unknown>,
  files: FollowerOptions['files']
): (isAsked: boolean) => Promise<readonly Read[] | undefined> {
  let known = digestOf(group.texts)
  let pending: string | undefined
  return async isAsked => {
    const texts = await Promise.all(group.variables.map((name, at) => readText(files[name], group.texts[at])))
    const seen = digestOf(texts)
    const isNew = seen !== known
    const isSure = isAsked || seen === pending
    pending = isNew ? seen : undefined
    if (!isNew || !isSure) return undefined
    known = seen
    return texts
  }
}

async function readText(file: string | undefined, constant: string | undefined): Promise<Read> {
  if (file === undefined) return constant
  try {
    const text = (await readFile(file, 'utf8')).trim()
    return text === '' ? new Error(`${file} is empty`) : text
  } catch (error) {
    return new Error(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

function digestOf(texts: readonly Read[]): string {
  return JSON.stringify(texts.map(text => (text instanceof Error ? { problem: text.message } : (text?.trim() ?? null))))
}
