import type { ValidationMode } from '../../contract/compile.ts'
import { compileContract } from '../../contract/compile.ts'
import type { ContractDocument } from '../../contract/document.ts'
import type { ConstraintsByField } from '../../contract/field-constraints.ts'
import type { EventType } from '../../model/event-types.ts'
import type { Limits } from '../../model/limits.ts'
import { DEFAULT_LIMITS } from '../../model/limits.ts'
import type { Fault } from '../../model/reasons.ts'
import { toEnvelopeFault, toEventFault } from './validate-fault.ts'
import { findIdFault } from './validate-ids.ts'

export interface ValidatorOptions {
  readonly contract: ContractDocument
  readonly mode: ValidationMode
  /** Default: DEFAULT_LIMITS. What the contract itself says (`maxItems`) counts too, unless the operator asks for more. */
  readonly limits?: Pick<Limits, 'maxBatchEvents'>
}

/** Judges what was parsed. Every method returns the first fault, undefined where there is none, and changes nothing. */
export interface Validator {
  /** Which top-level fields validate() looks at in events of a type, and how closely; undefined: all of them, wholly. */
  readonly constraints: Readonly<Record<EventType, ConstraintsByField | undefined>>
  /** The same for validateEnvelope(). */
  readonly envelopeConstraints: ConstraintsByField | undefined
  /**
   * One event, of a type already known: from the path for a single call, whatever `type` its body has, and from the
   * event's own `type` in a batch. The verdict does not depend on the way in.
   * The first fault in this order: ids, required fields, the rest in the contract's order.
   */
  validate(event: Record<string, unknown>, type: EventType): Fault | undefined
  /** A batch's body but for its items. What it shares is part of each event, so that a fault here is each one's. */
  validateEnvelope(envelope: Record<string, unknown>): Fault | undefined
}

/** Compiles the contract once. Throws where the document is not one (see compileContract). */
export function createValidator({ contract, mode, limits = DEFAULT_LIMITS }: ValidatorOptions): Validator {
  const compiled = compileContract({ document: contract, mode, maxBatchEvents: limits.maxBatchEvents })
  const nullIsAbsent = mode === 'compatible'
  return {
    constraints: compiled.constraints,
    envelopeConstraints: compiled.envelopeConstraints,
    validate(event, type) {
      const idFault = findIdFault(event, type, nullIsAbsent)
      if (idFault !== undefined) return idFault
      const violation = compiled.events[type](event['type'] === type ? event : { ...event, type })
      return violation === undefined ? undefined : toEventFault(violation)
    },
    validateEnvelope(envelope) {
      const violation = compiled.envelope(envelope)
      return violation === undefined ? undefined : toEnvelopeFault(violation)
    }
  }
}
