import { hash } from 'node:crypto'

/** For operators: which configuration a server has, and whether it is the one that was asked for last. */
export interface ConfigReading {
  /** Of the text in force: two servers with the same text have the same. */
  readonly hash: string
  /** Whether the last edit is in force; false while it is refused, or waits for Kafka or for a plan. */
  readonly isLastUsed: boolean
}

export interface ConfigState {
  /** An edit was seen. */
  offered(): void
  /** The edit with this text is in force. */
  used(text: string | undefined): void
  read(): ConfigReading
}

/** Beyond this, more characters tell no more configurations of one fleet apart. */
const HASH_CHARS = 16

/** @param text of the configuration that is in force at first */
export function createConfigState(text: string | undefined): ConfigState {
  let reading: ConfigReading = { hash: hashOf(text), isLastUsed: true }
  return {
    offered: () => void (reading = { ...reading, isLastUsed: false }),
    used: next => void (reading = { hash: hashOf(next), isLastUsed: true }),
    read: () => reading
  }
}

function hashOf(text = ''): string {
  return hash('sha256', text, 'hex').slice(0, HASH_CHARS)
}
