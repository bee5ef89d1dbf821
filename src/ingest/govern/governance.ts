import type { Source } from '../../model/source.ts'
import type { JudgedRequest } from './judged-request.ts'

/**
 * The rules on events between the contract and dedupe: suppression, privacy, plans. src/governance implements this
 * interface; the pipeline knows nothing else of it.
 */
export interface Governance {
  /**
   * The rules for the events of one request; undefined where there are none. Then the pipeline does nothing else, so a
   * source without rules costs this one call for each request.
   */
  of(source: Source, signals: RequestSignals): Governor | undefined
}

/** What the head of a request says that a rule may look at. */
export interface RequestSignals {
  /** The browser sent `Sec-GPC: 1`. */
  readonly gpc?: boolean | undefined
}

/** The rules of one request. */
export interface Governor {
  /** The sender's address as it may be kept and shown; empty where it may not be. */
  address(address: string): string
  /** In this order. Each sees what the steps before it have made of the events. */
  readonly steps: readonly GovernanceStep[]
  /**
   * Whether bytes in which no rule can be applied may be kept: a body that cannot be split into events, or the events of a
   * request that was refused before it was looked at.
   */
  mayKeep(bytes: Buffer): boolean
}

/** Must not throw for what a client can send. */
export type GovernanceStep = (request: JudgedRequest) => void
