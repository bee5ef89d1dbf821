import type { AnswerMessage, AskMessage, Question } from './messages.ts'
import { SILENT_MS } from './messages.ts'

/** Questions to one worker that are under way. */
export interface Asker {
  /** Rejects, in words, when the worker says no, ends, or is silent for `timeoutMs` (1 s). */
  ask(question: Question, timeoutMs?: number): Promise<unknown>
  /** To be called with each answer. */
  answered(message: AnswerMessage): void
  /** The worker has ended: what was asked is not answered any more. */
  end(): void
}

/** What can be under way to one worker at once; beyond it questions are refused. */
const MAX_UNDER_WAY = 256

/** @param send hands a message to the worker; may do nothing where it has ended */
export function createAsker(send: (message: AskMessage) => void): Asker {
  const waiting = new Map<number, (message: AnswerMessage) => void>()
  let next = 1

  return {
    ask(question, timeoutMs = SILENT_MS) {
      if (waiting.size >= MAX_UNDER_WAY) return Promise.reject(new Error('too many questions wait for its answer'))
      const id = next++
      return new Promise((resolve, reject) => {
        const silent = setTimeout(() => {
          waiting.delete(id)
          reject(new Error(`it did not answer within ${timeoutMs / 1000} s`))
        }, timeoutMs)
        waiting.set(id, ({ value, problem }) => {
          waiting.delete(id)
          clearTimeout(silent)
          if (problem === undefined) resolve(value)
          else reject(new Error(problem))
        })
        send({ op: 'ask', id, question })
      })
    },
    answered: message => waiting.get(message.id)?.(message),
    end() {
      for (const [id, tell] of waiting) tell({ op: 'answer', id, problem: 'it has ended' })
    }
  }
}
