/** How a run ends: on a signal, on an error that nobody caught, or when it is told to. */
export interface Ending {
  /** After so long the process exits with 1. */
  readonly delayMs: number
  readonly log: {
    info(facts: object, message: string): void
    warn(facts: object, message: string): void
    fatal(facts: object, message: string): void
  }
  /** Finishes what was taken; resolves with how many bytes are left for Kafka. */
  close(): Promise<number>
  /** Where they are, for the last line. */
  readonly where: string
}

/**
 * To be called once in a process. From then on SIGTERM, SIGINT and the like end it: exit code 0, 75 where something is left for Kafka, 1
 * after an error or when the time is up. The answer does the same without a signal.
 */
export type EndWithGrace = (ending: Ending) => () => void
