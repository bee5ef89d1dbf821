import type { FromPrimary, FromWorker, Question, StartMessage } from './messages.ts'
import { BEAT_MS, MAX_ANSWER_BYTES } from './messages.ts'

/** The worker's end of the channel to its primary. */
export interface PrimaryLink {
  /** The task of this worker; resolves when the primary has sent it. */
  readonly started: Promise<StartMessage>
  /** Handles the primary's messages from now on, and the earlier ones now. */
  serve(handlers: LinkHandlers): void
  /** Resolves when the message was sent, also if the primary no longer listens. */
  send(message: FromWorker): Promise<void>
}

export interface LinkHandlers {
  answer(question: Question): Promise<unknown>
  reload(): void
  stop(): void
  watch(message: Extract<FromPrimary, { op: 'watch' }>): void
  more(message: Extract<FromPrimary, { op: 'more' }>): void
  unwatch(message: Extract<FromPrimary, { op: 'unwatch' }>): void
  seen(message: Extract<FromPrimary, { op: 'seen' }>): void
  demand(message: Extract<FromPrimary, { op: 'demand' }>): void
  /** The state of the worker. */
  beat(): Promise<Omit<Extract<FromWorker, { op: 'beat' }>, 'op'>>
}

export function connectToPrimary(): PrimaryLink {
  const { promise: started, resolve: start } = Promise.withResolvers<StartMessage>()
  const early: FromPrimary[] = []
  let handlers: LinkHandlers | undefined

  function hear(message: FromPrimary): void {
    if (message.op === 'start') start(message)
    else if (handlers === undefined) early.push(message)
    else void handle(message, handlers)
  }

  async function handle(message: FromPrimary, handlers: LinkHandlers): Promise<void> {
    if (message.op === 'ask') await send(await answerTo(message.id, () => handlers.answer(message.question)))
    else if (message.op !== 'start') handlers[message.op](message as never)
  }

  let isBeating = false
  async function beat({ beat }: LinkHandlers): Promise<void> {
    if (isBeating) return
    isBeating = true
    await send({ op: 'beat', ...(await beat()) })
    isBeating = false
  }

  function send(message: FromWorker): Promise<void> {
    return new Promise(resolve => {
      if (process.connected && process.send !== undefined) process.send(message, undefined, {}, () => resolve())
      else resolve()
    })
  }

  process.on('message', hear)
  void send({ op: 'hello' })
  return {
    started,
    send,
    serve(given) {
      handlers = given
      for (const message of early.splice(0)) hear(message)
      setInterval(() => void beat(given), BEAT_MS).unref()
    }
  }
}

async function answerTo(id: number, answer: () => Promise<unknown>): Promise<FromWorker> {
  try {
    const value = await answer()
    if (Buffer.byteLength(JSON.stringify(value) ?? '') <= MAX_ANSWER_BYTES) return { op: 'answer', id, value }
    return { op: 'answer', id, problem: `its answer is larger than ${MAX_ANSWER_BYTES} bytes` }
  } catch (error) {
    return { op: 'answer', id, problem: (error as Error).message }
  }
}
