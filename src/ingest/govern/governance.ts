import type { Source } from '../../model/source.ts'
import type { JudgedRequest } from './judged-request.ts'

/**
 * The rules that are applied to events between the contract and dedupe: suppression, privacy, plans. src/governance
 * implements this interface, and the pipeline depends on nothing else of it.
 */
export interface Governance {
  /**
   * The rules for the events of one request; undefined if there are none. A source without rules costs only this call for
   * each request.
   */
  of(source: Source, signals: RequestSignals): Governor | undefined
}

/** The signals in the head of a request that rules may use. */
export interface RequestSignals {
  /** The browser sent `Sec-GPC: 1`. */
  readonly gpc?: boolean | undefined
}

/** The rules of one request. */
export interface Governor {
  /** The form in which the sender's address may be kept and shown; empty if it may not be kept. */
  address(address: string): string
  /** Applied in this order. Each step gets the events as the steps before have changed them. */
  readonly steps: readonly GovernanceStep[]
  /**
   * Whether bytes may be kept to which no rule can be applied: a body that cannot be split into events, or the events of a
   * request that was refused before its events were judged.
   */
  mayKeep(bytes: Buffer): boolean
}

/** Applies a rule to the events of a request. It must not throw for any input of a client. */
export type GovernanceStep = (request: JudgedRequest) => void
