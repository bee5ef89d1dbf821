import { readFile } from 'node:fs/promises'
import type { VariableName } from './variables.ts'

/** Values of variables that are used together, and what is made of them. */
export interface FollowedGroup<T> {
  readonly variables: readonly VariableName[]
  /** What they hold now, in the same order; undefined: not set. */
  readonly texts: readonly (string | undefined)[]
  /** Throws an Error in words, which quotes no secret, where they cannot be used. */
  make(texts: readonly (string | undefined)[]): T
}

/** Gives the way to what is made of the group's values, as they are at that moment. */
export type Follow = <T>(group: FollowedGroup<T>) => () => T

export interface FileFollower {
  readonly follow: Follow
  /** Reads the files now and takes what they hold, without waiting for them to be the same twice. */
  check(): void
  close(): void
}

export interface FollowerOptions {
  /** The variables whose values came from files, and those files. */
  readonly files: Readonly<Partial<Record<VariableName, string>>>
  readonly log: {
    info(facts: object, message: string): void
    error(facts: object, message: string): void
  }
}

/** New contents are believed when two looks in a row saw the same: files are not always replaced at one instant. */
const LOOK_EVERY_MS = 1_000

/** For programs that end soon: what the files held at their start. */
export const followNothing: Follow = group => {
  const made = group.make(group.texts)
  return () => made
}

/**
 * Follows the files that values came from, so that a new secret or certificate is used without a restart. What cannot
 * be used is said once in the log, and the last good one stays.
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

/** Resolves with the texts when they are new and to be tried; an Error where a file cannot be read. */
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
