import { hash } from 'node:crypto'

/** Which configuration a server uses, and whether it is the one that was last requested. */
export interface ConfigReading {
  /** The hash of the text in force, equal on servers with the same text. */
  readonly hash: string
  /** Whether the last edit is in force; false if it was refused, or while it waits for Kafka or for a plan. */
  readonly isLastUsed: boolean
}

export interface ConfigState {
  /** Records that an edit was seen. */
  offered(): void
  /** Records that the edit with this text is in force. */
  used(text: string | undefined): void
  read(): ConfigReading
}

/** Enough characters to distinguish the configurations of a fleet. */
const HASH_CHARS = 16

/** @param text the configuration in force at the start */
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
