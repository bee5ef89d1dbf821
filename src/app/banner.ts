import type { Config } from '../config/env/config.ts'

export interface BannerFacts {
  readonly key: string
  readonly file: string
  readonly tracking: string
  readonly admin: string
  /** Whether the write key may be printed. */
  readonly isShown: boolean
}

/** Whether to print a key: only on a terminal, because a log may store standard output, or if SHOW_FIRST_KEY is `always`. */
export function mayShowKey({ showFirstKey }: Pick<Config, 'showFirstKey'>): boolean {
  return showFirstKey === 'always' || process.stdout.isTTY
}

/** The text that the first start prints on standard output. A server prints a write key nowhere else. */
export function banner({ key, file, tracking, admin, isShown }: BannerFacts): string {
  const event = '{"userId":"user-1","event":"Signed Up","properties":{"plan":"free"}}'
  const shown = isShown ? `${key}   (kept in ${file}; "tributary keys list --show" shows it again)` : hint(file)
  return `
Tributary is listening on ${tracking}

  Write key  ${shown}
  Debugger   ${admin}

Send an event:

  curl -u ${isShown ? key : 'WRITE_KEY'}: -H 'content-type: application/json' ${tracking}/v1/track -d '${event}'

`
}

/** The line that a worker of a fleet prints, because the primary does not know the key. */
export function fleetKeyLine(key: string, isShown: boolean): string {
  return isShown ? `The write key of the fleet's one source: ${key}\n` : `Write key: ${hint('the fleet')}\n`
}

function hint(file: string): string {
  const how =
    file === 'the fleet' ? 'make one with "tributary keys add default"' : '"tributary keys list --show" shows it'
  return `not printed, because standard output is not a terminal; ${how} (SHOW_FIRST_KEY)`
}
