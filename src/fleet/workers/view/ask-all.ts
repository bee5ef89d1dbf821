import type { Question, RequestAnswer } from '../messages.ts'
import { SILENT_MS } from '../messages.ts'
import type { Slot } from '../slot.ts'

export type Json = Record<string, unknown>

/** A worker that has not answered, with the reason. */
export interface Silent {
  readonly worker: number
  readonly problem: string
}

export interface Answers {
  /** The values of the workers that answered 200. */
  readonly values: readonly Json[]
  readonly silent: readonly Silent[]
  /** The refusal of one worker, if the question itself is not valid: all workers would refuse it. */
  readonly refusal: RequestAnswer | undefined
}

export type Request = Omit<Extract<Question, { kind: 'request' }>, 'kind'>

/** Asks a worker. Rejects with a readable Error if it does not answer in time. */
export async function askOne(slot: Slot, request: Request, timeoutMs = SILENT_MS): Promise<RequestAnswer> {
  if (slot.state !== 'listening') throw new Error(slot.problem ?? `it is ${slot.state}`)
  return (await slot.ipc.ask({ kind: 'request', ...request }, timeoutMs)) as RequestAnswer
}

/** Asks all workers at once. A worker that does not answer within `timeoutMs` is listed as silent. */
export function askAll(slots: readonly Slot[], request: Request, timeoutMs = SILENT_MS): Promise<Answers> {
  return gather(slots, slot => askOne(slot, request, timeoutMs))
}

/** The answers of all workers, each from `ask`. */
export async function gather(slots: readonly Slot[], ask: (slot: Slot) => Promise<RequestAnswer>): Promise<Answers> {
  const asked = await Promise.allSettled(slots.map(ask))
  const values: Json[] = []
  const silent: Silent[] = []
  let refusal: RequestAnswer | undefined
  for (const [at, answer] of asked.entries()) {
    const worker = slots[at]?.index ?? at
    if (answer.status === 'rejected') silent.push({ worker, problem: (answer.reason as Error).message })
    else if (answer.value.status === 200) values.push(answer.value.value as Json)
    else if (answer.value.status < 500) refusal ??= answer.value
    else silent.push({ worker, problem: String((answer.value.value as Json | undefined)?.['message']) })
  }
  return { values, silent, refusal }
}
