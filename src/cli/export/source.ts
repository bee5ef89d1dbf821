import type { Config } from '../../config/env/config.ts'

/** Some records, and where the next run goes on behind them. */
export interface ReadLines {
  /** Events as JSON, without line feeds. */
  readonly values: readonly Buffer[]
  /** Bytes or records of this piece, and of all that will be read; for the progress alone. */
  readonly amount: number
  readonly total: number
  /** By the name of what was read. */
  readonly positions: Readonly<Record<string, unknown>>
}

/** Where an export gets its events. */
export interface Source {
  /** From the positions on to the end that there was. Throws CommandFailed where it cannot be read. */
  read(): AsyncGenerator<ReadLines>
}

export interface SourceOptions {
  readonly config: Config
  /** Of an earlier run, by the name of what was read. */
  readonly positions: Readonly<Record<string, unknown>>
  /** Told of damaged lines, which are passed over. */
  readonly note: (text: string) => void
}
