import type { AnswerMessage, AskMessage, Question } from './messages.ts'
import { SILENT_MS } from './messages.ts'

/** The open questions to a worker. */
export interface IpcClient {
  /** Asks the worker. Rejects with a readable Error if it refuses, ends, or does not answer within `timeoutMs` (1 s). */
  ask(question: Question, timeoutMs?: number): Promise<unknown>
  /** Call this with each answer. */
  answered(message: AnswerMessage): void
  /** Rejects all open questions, because the worker has ended. */
  end(): void
}

/** The most open questions to a worker; further ones are refused. */
const MAX_UNDER_WAY = 256

/** @param send sends a message to the worker; may do nothing if it has ended */
export function createIpcClient(send: (message: AskMessage) => void): IpcClient {
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
      for (const [id, answer] of waiting) answer({ op: 'answer', id, problem: 'it has ended' })
    }
  }
}
