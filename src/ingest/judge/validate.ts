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
  /** Default: DEFAULT_LIMITS. The contract's `maxItems` counts too, unless the operator raised the limit. */
  readonly limits?: Pick<Limits, 'maxBatchEvents'>
  /** A folder for the compiled contract, see compileContract. */
  readonly keepIn?: string
}

/** Validates parsed values. Each method returns the first fault, or undefined, and changes nothing. */
export interface Validator {
  /** What validate() checks in the top-level fields of events of a type; undefined: everything. */
  readonly constraints: Readonly<Record<EventType, ConstraintsByField | undefined>>
  /** What validateEnvelope() checks in the top-level fields of a batch; undefined: everything. */
  readonly envelopeConstraints: ConstraintsByField | undefined
  /**
   * Validates one event. The type of a single call comes from its path, whatever `type` its body has; in a batch it is the
   * event's own `type`. The verdict does not depend on the endpoint. Faults are found in this order: ids, required fields,
   * other fields in the contract's order.
   */
  validate(event: Record<string, unknown>, type: EventType): Fault | undefined
  /** Validates the body of a batch without its items. Each event contains the shared members, so a fault applies to each. */
  validateEnvelope(envelope: Record<string, unknown>): Fault | undefined
}

/** Compiles the contract once. Throws if the document cannot be compiled (see compileContract). */
export function createValidator({ contract, limits = DEFAULT_LIMITS, ...options }: ValidatorOptions): Validator {
  const { mode } = options
  const compiled = compileContract({ document: contract, maxBatchEvents: limits.maxBatchEvents, ...options })
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
