/** What a process does at its end: after a signal, an uncaught error, or a call of the function that EndWithGrace returns. */
export interface Ending {
  /** The process exits with 1 if `close` takes longer. */
  readonly delayMs: number
  readonly log: {
    info(facts: object, message: string): void
    warn(facts: object, message: string): void
    fatal(facts: object, message: string): void
  }
  /** Makes accepted events durable; resolves with the bytes that Kafka has not confirmed. */
  close(): Promise<number>
  /** Where these bytes are, for the last line of the log. */
  readonly where: string
}

/**
 * Call this once in a process. From then on, SIGTERM, SIGINT and similar signals end it with exit code 0, with 75 if Kafka has
 * not confirmed everything, and with 1 after an error or if the time is up. The returned function ends it without a signal.
 */
export type EndWithGrace = (ending: Ending) => () => void
