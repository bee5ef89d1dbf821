import type { Config } from '../../config/env/config.ts'

/** Some records, and where the next run continues after them. */
export interface ReadLines {
  /** Events as JSON, without line feeds. */
  readonly values: readonly Buffer[]
  /** Bytes or records of this piece, and of everything that will be read; only for the progress. */
  readonly amount: number
  readonly total: number
  /** By the name of each input. */
  readonly positions: Readonly<Record<string, unknown>>
}

/** The input of an export. */
export interface Source {
  /** Reads from the positions to the end at the start of the run. Throws CommandFailed if it cannot be read. */
  read(): AsyncGenerator<ReadLines>
}

export interface SourceOptions {
  readonly config: Config
  /** The positions of an earlier run, by the name of each input. */
  readonly positions: Readonly<Record<string, unknown>>
  /** Called for damaged lines, which are skipped, and with how far an archive goes. */
  readonly note: (text: string) => void
}
